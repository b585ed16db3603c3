package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// apiSchema is as much of JSON Schema as the page shows.
type apiSchema struct {
	Ref         string `json:"$ref"`
	Type        oneOrMore
	Format      string
	Description string
	Enum        []any
	Default     any
	Pattern     string
	MinLength   int
	MaxLength   int
	Minimum     *float64
	Maximum     *float64

	Items                *apiSchema
	AnyOf                []apiSchema
	Properties           map[string]apiSchema
	Required             []string
	AdditionalProperties oneSchema
}

// oneOrMore is a type, or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(o))
	}
	*o = make([]string, 1)
	return json.Unmarshal(data, &(*o)[0])
}

// oneSchema is a schema, or none where false stands.
type oneSchema struct{ *apiSchema }

func (o *oneSchema) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil
	}
	o.apiSchema = new(apiSchema)
	return json.Unmarshal(data, o.apiSchema)
}

const schemaPrefix = "#/components/schemas/"

// resolve follows a reference.
func (s apiSchema) resolve(d apiDocument) apiSchema {
	if name, ok := strings.CutPrefix(s.Ref, schemaPrefix); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// names are those of the fields: the required ones first, as the code has them.
func (s apiSchema) names() []string {
	names := slices.Clone(s.Required)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// extends reports whether s has all fields of another.
func (s apiSchema) extends(other apiSchema) bool {
	for name := range other.Properties {
		if _, ok := s.Properties[name]; !ok {
			return false
		}
	}
	return true
}

// without is s without the fields of another.
func (s apiSchema) without(other apiSchema) apiSchema {
	s.Required = slices.DeleteFunc(slices.Clone(s.Required), func(name string) bool { return slices.Contains(other.Required, name) })
	s.Properties = maps.Clone(s.Properties)
	for name := range other.Properties {
		delete(s.Properties, name)
	}
	return s
}

// words say what a value is.
func (s apiSchema) words() string {
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, schemaPrefix)
		return fmt.Sprintf("[%s](#%s-object)", name, strings.ToLower(name))
	case len(s.AnyOf) > 0:
		return s.AnyOf[0].words() + " or null"
	case len(s.Type) == 0:
		return "anything"
	case s.Type[0] == "null":
		return "null"
	}
	words := s.kind() + s.span()
	if len(s.Type) > 1 {
		words += " or null"
	}
	if s.Default != nil {
		words += fmt.Sprintf(", %v if left out", s.Default)
	}
	return words
}

func (s apiSchema) kind() string {
	switch {
	case len(s.Enum) > 0:
		return "`" + strings.Trim(strings.ReplaceAll(fmt.Sprintf("%q", s.Enum), `" "`, "`, `"), `[]"`) + "`"
	case s.Items != nil:
		return "list of " + s.Items.words()
	case s.AdditionalProperties.apiSchema != nil:
		return "object of " + s.AdditionalProperties.words() + " by name"
	case s.Format == "date-time":
		return "time"
	case s.Pattern == idShape:
		return "id"
	case s.Pattern == durationShape:
		return "duration"
	case s.Pattern == whenShape:
		return "duration, date, time or `never`"
	case s.Pattern == scopeShape:
		return "1-63 of `A-Z a-z 0-9 . _ -`"
	case s.Type[0] == "boolean":
		return "true or false"
	}
	return s.Type[0]
}

func (s apiSchema) span() string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf(" %v-%v", *s.Minimum, *s.Maximum)
	case s.MaxLength > 0:
		return fmt.Sprintf(", %d-%d characters", s.MinLength, s.MaxLength)
	}
	return ""
}
