package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/antinium/keygate/extauthz/rules"
)

// Schema is the JSON Schema (2020-12) of keygate.yaml, for editors. It is made
// from the documented struct, and it never refuses a file that the program
// takes; the program refuses more, such as routes that contradict each other.
func Schema() []byte {
	root := sectionSchema(reflect.ValueOf(&Config{}).Elem(), "", docComments())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "keygate.yaml"
	root["description"] = "The configuration of keygate, an external-authorization server for Envoy."
	root["minProperties"] = 1
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic(err) // maps of strings and numbers always encode
	}
	return out.Bytes()
}

func sectionSchema(section reflect.Value, prefix string, docs map[string]string) schema {
	properties := schema{}
	for _, f := range fieldsOf(section, prefix) {
		name := strings.TrimPrefix(f.name, prefix)
		var s schema
		if f.isSection() {
			s = sectionSchema(f.value, f.name+".", docs)
		} else {
			s = f.schema()
		}
		s["description"] = oneLine(docs[section.Type().Name()+"."+f.about.Name])
		properties[name] = s
	}
	return schema{"type": "object", "additionalProperties": false, "properties": properties}
}

// oneLine is a doc comment as editors show it: a line a paragraph, no Markdown.
func oneLine(doc string) string {
	paragraphs := strings.Split(strings.TrimSpace(doc), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.ReplaceAll(strings.Join(paragraphs, "\n"), "`", "")
}

// schema describes a field that holds a value.
func (f field) schema() schema {
	s := f.valueSchema()
	if value, has := f.tag("default"); has {
		s["default"] = f.typed(value)
	}
	return s
}

func (f field) valueSchema() schema {
	if words, has := f.tag("one"); has {
		var values []any
		for _, word := range strings.Fields(words) {
			values = append(values, f.typed(word))
		}
		return schema{"enum": values}
	}
	if f.isDuration() {
		return f.durationSchema()
	}
	if smallest, largest, has := f.bounds(); has {
		return schema{"type": "integer", "minimum": smallest, "maximum": largest}
	}
	if f.isTruth() {
		return schema{"type": "boolean"}
	}
	return kindOf(f.about.Tag.Get("is")).schema
}

// typed is a word of a tag as JSON has it: the number 401, not the text "401".
func (f field) typed(word string) any {
	switch f.value.Kind() {
	case reflect.Int:
		n, _ := strconv.Atoi(word) // our own tag, held by TestTags
		return n
	case reflect.Bool:
		return word == "true"
	}
	return word
}

func listenSchema() schema {
	address := schema{"type": "string", "pattern": "^unix:.*[^/]$|^[^/]+:[0-9]{1,5}$"}
	return schema{"oneOf": []any{
		address,
		schema{"type": "array", "items": address, "minItems": 1},
	}}
}

func requirementSchema() schema {
	var words []any
	for _, word := range requirements {
		words = append(words, word)
	}
	return schema{"enum": words}
}

// methodPattern is rules.ValidMethod, held by TestSchemaMethod.
const methodPattern = "[A-Z][A-Z-]{0,31}"

func routesSchema() schema {
	methods := schema{
		"type":                 "object",
		"minProperties":        1,
		"propertyNames":        schema{"pattern": `^(\*|` + methodPattern + ")$"},
		"additionalProperties": requirementSchema(),
		"default":              schema{"GET": rules.Read.String(), anyMethod: rules.Full.String()},
	}
	return schema{"type": "object", "propertyNames": schema{"pattern": "^/"}, "additionalProperties": methods}
}

func expectSchema() schema {
	return schema{
		"type":                 "object",
		"propertyNames":        schema{"pattern": "^" + methodPattern + " /"},
		"additionalProperties": requirementSchema(),
	}
}
