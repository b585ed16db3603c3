package admin

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// bounds are words of JSON Schema that the document says and huma does not
// check: the keystore does, and its messages are better.
type bounds map[string]any

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
	scopeBounds    = bounds{"pattern": scopeShape}
	durationBounds = bounds{"pattern": durationShape}
	whenBounds     = bounds{"pattern": whenShape}
	nameBounds     = bounds{"minLength": 1, "maxLength": keystore.MaxName}
	labelsBounds   = bounds{"maxProperties": keystore.MaxLabels, "propertyNames": bounds{"pattern": labelShape}}
)

// fieldBounds are those of the fields of bodies, by schema and name.
var fieldBounds = map[string]map[string]bounds{
	"CreateRequest":    {"name": nameBounds, "account": scopeBounds, "workspace": scopeBounds, "expires": whenBounds, "labels": labelsBounds},
	"UpdateRequest":    {"name": nameBounds, "expires": whenBounds, "labels": labelsBounds},
	"RotateRequest":    {"overlap": durationBounds, "expires": whenBounds, "retire_when_unused": durationBounds},
	"RevokeAllRequest": {"account": scopeBounds, "workspace": scopeBounds},
}

// parameterBounds are those of parameters, by where they are and name.
var parameterBounds = map[string]bounds{
	"path.id":                {"pattern": idShape},
	"query.account":          scopeBounds,
	"query.workspace":        scopeBounds,
	"query.expiring":         durationBounds,
	"query.unused":           durationBounds,
	"query.key":              {"pattern": idShape},
	"header.Idempotency-Key": {"maxLength": keystore.MaxWho},
	"header.If-Match":        {"pattern": `^(\*|"[0-9a-f]{16}")$`},
}

// bound says more of a schema than huma checks.
func bound(s *huma.Schema, b bounds) {
	if s.Extensions == nil {
		s.Extensions = map[string]any{}
	}
	for word, value := range b {
		s.Extensions[word] = value
	}
}

func boundParameters(all []*huma.Param) {
	for _, p := range all {
		if b := parameterBounds[p.In+"."+p.Name]; b != nil {
			bound(p.Schema, b)
		}
	}
}

// describeSchemas says what the types could not.
func describeSchemas(schemas map[string]*huma.Schema) {
	for name, fields := range fieldBounds {
		for field, b := range fields {
			bound(schemas[name].Properties[field], b)
		}
	}
	bound(schemas["UpdateRequest"], bounds{"minProperties": 1})
	for _, name := range []string{"Explanation", "Whoami"} {
		orNull(schemas[name].Properties["key"])
	}
	code := schemas["Problem"].Properties["code"]
	code.Enum = codeList()
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
