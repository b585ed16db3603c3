package config

import (
	"reflect"
	"strings"
)

// environment lets variables override the file. A variable that is empty counts
// as not set. Relative paths in a variable start at the working directory, where
// whoever set it stands, and not at the file.
func (d *decoder) environment(config reflect.Value, getenv func(string) string) {
	if getenv == nil {
		return
	}
	eachField(config, "", func(f field) {
		name, has := f.tag("env")
		if !has {
			return
		}
		if value := getenv(name); value != "" {
			d.variable(f, name, value)
		}
	})
}

func (d *decoder) variable(f field, name, value string) {
	before := len(d.list)
	if f.about.Tag.Get("is") == "listen" {
		d.listenVariable(f, name, value)
	} else if expected := f.check(value); expected != "" {
		d.inVariable(name, "found %s, expected %s", quote(value), expected)
	}
	if len(d.list) > before {
		return
	}
	if f.about.Tag.Get("is") != "listen" {
		f.assign(value, "")
	}
	d.at[f.name] = origin{variable: name}
}

// listenVariable reads addresses with commas between them.
func (d *decoder) listenVariable(f field, name, value string) {
	reader := decoder{report: &report{}}
	var items []node
	for part := range strings.SplitSeq(value, ",") {
		items = append(items, node{shape: text, text: strings.TrimSpace(part)})
	}
	reader.readListen(f, node{shape: list, items: items})
	for _, problem := range reader.list {
		d.inVariable(name, "%s", strings.TrimPrefix(problem.Message, f.name+": "))
	}
}
