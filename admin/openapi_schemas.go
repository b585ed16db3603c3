package admin

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// bound says more of a schema than its type does.
type bound func(*huma.Schema)

// The shapes of texts. Each is what the keystore takes, or a little more.
const (
	idShape       = `^[0-7][0-9A-HJKMNP-TV-Z]{25}$`
	scopeShape    = `^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`
	labelShape    = `^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$`
	lengthShape   = `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+`
	durationShape = `^(0|` + lengthShape + `)$`
	whenShape     = `^(never|` + lengthShape + `|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?)$`
)

var (
	isDuration = said("pattern", durationShape)
	isWhen     = said("pattern", whenShape)
	isID       = said("pattern", idShape)
)

// fieldBounds are those of the fields of bodies, by schema and name; "" is the
// body itself.
var fieldBounds = map[string]map[string]bound{
	"CreateRequest":      {"name": isName, "account": isScope, "workspace": isScope, "expires": isWhen, "labels": areLabels},
	"UpdateRequest":      {"name": isName, "expires": isWhen, "labels": areLabels, "": said("minProperties", 1)},
	"RotateRequest":      {"overlap": isDuration, "expires": isWhen, "retire_when_unused": isDuration},
	"RevokeAllRequest":   {"account": isScope, "workspace": isScope},
	"ConsoleLinkRequest": {"account": isScope, "workspace": isScope},
}

// parameterBounds are those of parameters, by where they are and name.
var parameterBounds = map[string]bound{
	"path.id":                isID,
	"query.account":          isScope,
	"query.workspace":        isScope,
	"query.expiring":         isDuration,
	"query.unused":           isDuration,
	"query.key":              isCheckedID,
	"header.Idempotency-Key": said("maxLength", keystore.MaxWho),
	"header.If-Match":        said("pattern", `^(\*|"[0-9a-f]{16}")$`),
}

// said is a word of JSON Schema that stands in the document and that huma does not
// check: the keystore does, and its messages are better.
func said(word string, value any) bound {
	return func(s *huma.Schema) {
		if s.Extensions == nil {
			s.Extensions = map[string]any{}
		}
		s.Extensions[word] = value
	}
}

func isName(s *huma.Schema) {
	said("minLength", 1)(s)
	said("maxLength", keystore.MaxName)(s)
}

func areLabels(s *huma.Schema) {
	said("maxProperties", keystore.MaxLabels)(s)
	said("propertyNames", map[string]any{"pattern": labelShape})(s)
}

// isScope is checked here. To the keystore an empty account or workspace is any, or
// the default: a script whose variable is empty shall not get that by a slip.
func isScope(s *huma.Schema) {
	s.Pattern = scopeShape
	s.PatternDescription = "1-63 characters of A-Z a-z 0-9 . _ - that begin with a letter or digit"
	s.PrecomputeMessages()
}

// isCheckedID is for an id in a query, where a wrong one would find nothing, and a
// key's text in its place would be kept in logs of URLs.
func isCheckedID(s *huma.Schema) {
	s.Pattern, s.PatternDescription = idShape, "the id of a key"
	s.PrecomputeMessages()
}

func boundParameters(all []*huma.Param) {
	for _, p := range all {
		if b := parameterBounds[p.In+"."+p.Name]; b != nil {
			b(p.Schema)
		}
	}
}

// describeSchemas says what the types could not.
func describeSchemas(schemas map[string]*huma.Schema) {
	for name, fields := range fieldBounds {
		for field, b := range fields {
			s := schemas[name]
			if field != "" {
				s = s.Properties[field]
			}
			b(s)
		}
	}
	for _, name := range []string{"Explanation", "Whoami"} {
		orNull(schemas[name].Properties["key"])
	}
	schemas["Problem"].Properties["code"].Enum = codeList()
}

// orNull makes a reference one that may be null, which huma has no word for.
func orNull(s *huma.Schema) {
	s.AnyOf = []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}
	s.Ref = ""
}

// Schema describes the key that create answers with, without the parts that are
// for the adapter.
func (createdKey) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[shownKey](), true, "")
}

// Schema describes the key that is answered with its revision.
func (taggedKey) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[KeyDetail](), true, "")
}
