package config

import (
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/antinium/keygate/extauthz/rules"
)

// decoder puts the values of a file into the documented struct.
type decoder struct {
	*report
	folder string            // relative paths start here
	at     map[string]origin // where each field's value comes from; that of the Config

	routes    []routeEntry
	expect    []expectLine
	undecided bool // routes or default have a problem, so that `expect` cannot be judged
}

// defaults is the configuration of a file that says nothing.
func defaults() *Config {
	c := &Config{at: make(map[string]origin)}
	eachField(reflect.ValueOf(c).Elem(), "", func(f field) {
		if value, has := f.tag("default"); has {
			f.assign(value, "")
		}
	})
	return c
}

// field is a field of the documented struct.
type field struct {
	name  string // dotted, as "store.path"
	value reflect.Value
	about reflect.StructField
}

func (f field) tag(name string) (string, bool) { return f.about.Tag.Lookup(name) }

func (f field) isTruth() bool { return f.value.Kind() == reflect.Bool }

// isSection tells `store` and its like from fields that hold a value.
func (f field) isSection() bool {
	return f.value.Kind() == reflect.Struct
}

// fieldsOf lists the fields of a section that stand in the file, in order.
func fieldsOf(section reflect.Value, prefix string) []field {
	var out []field
	for i := range section.NumField() {
		about := section.Type().Field(i)
		name := about.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		out = append(out, field{prefix + name, section.Field(i), about})
	}
	return out
}

// eachField visits every field that holds a value, in all sections.
func eachField(section reflect.Value, prefix string, visit func(field)) {
	for _, f := range fieldsOf(section, prefix) {
		if f.isSection() {
			eachField(f.value, f.name+".", visit)
			continue
		}
		visit(f)
	}
}

// section reads a mapping into a struct.
func (d *decoder) section(n node, prefix string, into reflect.Value) {
	fields := fieldsOf(into, prefix)
	names := make([]string, len(fields))
	byName := make(map[string]field)
	for i, f := range fields {
		names[i] = strings.TrimPrefix(f.name, prefix)
		byName[names[i]] = f
	}
	if n.shape != mapping {
		d.wrong(n, strings.TrimSuffix(prefix, "."), "a mapping with "+oneOf(names))
		return
	}
	for _, e := range n.entries {
		f, known := byName[e.key.text]
		switch {
		case !known:
			d.unknown(e.key, prefix, names)
		case f.isSection():
			d.section(e.value, f.name+".", f.value)
		default:
			d.field(f, e)
		}
	}
}

// unknown reports a field that does not exist, with the likely correction.
func (d *decoder) unknown(key node, prefix string, names []string) {
	hint := didYouMean(key.text, names)
	if home := homeOf(key.text); hint == "" && home != "" {
		hint = "; it belongs " + home
	}
	d.report.at(key.at, "found the unknown field %s %s, expected %s%s", quote(key.text), homeName(prefix), oneOf(names), hint)
}

// homeOf says where a field of this name exists; it is empty if nowhere.
func homeOf(name string) string { return homeIn(reflect.ValueOf(&Config{}).Elem(), "", name) }

// homeIn looks through a section and then, in order, through those in it.
func homeIn(section reflect.Value, prefix, name string) string {
	fields := fieldsOf(section, prefix)
	for _, f := range fields {
		if f.name == prefix+name {
			return homeName(prefix)
		}
	}
	for _, f := range fields {
		if !f.isSection() {
			continue
		}
		if home := homeIn(f.value, f.name+".", name); home != "" {
			return home
		}
	}
	return ""
}

func homeName(prefix string) string {
	if prefix == "" {
		return "at the top level"
	}
	return "in " + strings.TrimSuffix(prefix, ".")
}

// wrong reports a value that is not what its field takes.
func (d *decoder) wrong(n node, name, expected string) {
	if n.shape == broken {
		return
	}
	if name != "" {
		name += ": "
	}
	d.report.at(n.at, "%sfound %s, expected %s", name, describe(n), expected)
}

// describe names a value in a message.
func describe(n node) string {
	switch n.shape {
	case text:
		return quote(n.text)
	case number, fraction:
		return "the number " + cut(n.text)
	case truth:
		return "the truth value " + n.text
	}
	if (n.shape == mapping || n.shape == list) && len(n.entries)+len(n.items) == 0 && !n.damaged {
		return strings.Replace(n.shape.String(), "a ", "an empty ", 1)
	}
	return n.shape.String()
}

// field reads one value.
func (d *decoder) field(f field, e entry) {
	d.at[f.name] = origin{place: e.value.at}
	switch f.about.Tag.Get("is") {
	case "routes":
		d.readRoutes(e.value)
		return
	case "expect":
		d.readExpect(e.value)
		return
	case "listen":
		d.readListen(f, e.value)
		return
	}
	expected := ""
	if !f.takes(e.value.shape) {
		expected = f.expected() + quoteHint(f, e.value)
	} else {
		expected = f.check(e.value.text)
	}
	if expected != "" {
		d.wrong(f.hushed(e.value), f.name, expected)
		d.undecided = d.undecided || f.name == "default"
		return
	}
	f.assign(e.value.text, d.folder)
}

// hushed keeps what may be a secret, pasted in the wrong place, out of a message.
func (f field) hushed(n node) node {
	if _, is := f.tag("hush"); is && n.shape != nothing {
		return node{shape: hidden, at: n.at}
	}
	return n
}

// takes tells whether a value of this shape may stand in the field.
func (f field) takes(s shape) bool {
	switch f.value.Kind() {
	case reflect.Int:
		return s == number
	case reflect.Bool:
		return s == truth
	}
	return s == text
}

// quoteHint helps with `realm: 42` and with `forward_credential: "true"`.
func quoteHint(f field, n node) string {
	if f.check(n.text) != "" {
		return ""
	}
	switch n.shape {
	case number, fraction, truth:
		return ": write it in quotes"
	case text:
		return ": write it without quotes"
	}
	return ""
}

// assign stores a text that passed check.
func (f field) assign(value, folder string) {
	switch into := f.value.Addr().Interface().(type) {
	case *string:
		*into = f.normal(value, folder)
	case *int:
		*into, _ = strconv.Atoi(value)
	case *bool:
		*into = value == "true"
	case *time.Duration:
		*into, _ = f.duration(value)
	case *rules.Requirement:
		*into, _ = rules.ParseRequirement(value)
	case *[]Address:
		*into = []Address{parseAddress(value, folder)}
	}
}

// normal turns a text into the form that the program uses.
func (f field) normal(value, folder string) string {
	switch f.about.Tag.Get("is") {
	case "path", "path or nothing", "pepper path or nothing", "secret path or nothing", "socket":
		return resolve(value, folder)
	case "origin or nothing":
		return originOf(value)
	case "address or off":
		if value == off {
			return ""
		}
	}
	return value
}

// resolve makes a relative path relative to the folder of the file.
func resolve(path, folder string) string {
	if path == "" || filepath.IsAbs(path) || folder == "" {
		return path
	}
	return filepath.Join(folder, path)
}
