package config

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// source is config.go, whose doc comments are the text of the manual. Programs
// that do not call Manual or Schema do not carry it.
//
//go:embed config.go
var source string

// Manual is the reference of keygate.yaml in Markdown: every field with its
// values, its default, the variable that overrides it, and what puts a change in
// force. It is rendered from the documented struct.
func Manual() string {
	docs := docComments()
	var out strings.Builder
	out.WriteString(manualHead)
	var section func(t reflect.Value, prefix string)
	section = func(t reflect.Value, prefix string) {
		for _, f := range fieldsOf(t, prefix) {
			doc := docs[t.Type().Name()+"."+f.about.Name]
			if f.isSection() {
				fmt.Fprintf(&out, "**`%s`**: %s\n\n", f.name, indent(doc, ""))
				section(f.value, f.name+".")
				continue
			}
			fmt.Fprintf(&out, "- `%s`: %s\n\n  %s\n\n", f.name, f.facts(), indent(doc, "  "))
		}
	}
	section(reflect.ValueOf(&Config{}).Elem(), "")
	return strings.TrimRight(out.String(), "\n") + "\n"
}

const manualHead = "`keygate check-config FILE` says everything that is wrong with a file, with line and column. Unknown fields,\n" +
	"duplicate names, a second document, and YAML anchors, aliases, merge keys and tags are refused. A file has at most\n" +
	"1 MiB and 20000 entries. Relative paths start at the folder of the file, those in environment variables at the\n" +
	"working directory. A field that is left out has its default. *Reload* means that `keygate reload` or SIGHUP puts a\n" +
	"change in force; what needs a *restart* is named by the reload.\n\n"

// facts are the values, the default, the variable and the way into force of a field.
func (f field) facts() string {
	facts := []string{f.expected()}
	if value, has := f.tag("default"); has {
		facts = append(facts, "default "+defaultWord(value))
	}
	if name, has := f.tag("env"); has {
		facts = append(facts, "overridden by `"+name+"`")
	}
	return strings.Join(append(facts, "*"+f.about.Tag.Get("apply")+"*"), "; ")
}

func defaultWord(value string) string {
	if value == "" {
		return "empty"
	}
	return "`" + value + "`"
}

// indent sets the paragraphs of a doc comment under a list item.
func indent(doc, margin string) string {
	doc = strings.TrimSpace(doc)
	doc = strings.ReplaceAll(doc, "\n", "\n"+margin)
	return strings.ReplaceAll(doc, "\n"+margin+"\n", "\n\n")
}

// docComments maps "Store.Path" to the comment of that field in config.go. The
// file is part of the program, so failing to parse it is a bug, found by any test.
func docComments() map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	docs := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.TypeSpec)
		if !is {
			return true
		}
		if body, is := spec.Type.(*ast.StructType); is {
			for _, f := range body.Fields.List {
				for _, name := range f.Names {
					docs[spec.Name.Name+"."+name.Name] = f.Doc.Text()
				}
			}
		}
		return false
	})
	return docs
}
