package admin

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"
)

// newAPI is huma without what it would add of its own: no $schema fields, no
// Link headers, no routes for documentation, no other format than JSON.
func newAPI(mux *http.ServeMux) huma.API {
	takeOverErrors()
	config := huma.DefaultConfig("keygate", "1")
	config.CreateHooks = nil
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Formats = map[string]huma.Format{"application/json": {Marshal: writeJSON, Unmarshal: readJSON}}
	config.RejectUnknownQueryParameters = true
	return humago.New(mux, config)
}

// takeOverErrors makes huma's own refusals ours, and "Name" another field than
// "name". huma knows these as settings of the process only; nothing else in
// this program uses it.
var takeOverErrors = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.NewError = shapeFailure
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, errs ...error) huma.StatusError {
		return shapeFailure(status, message, errs...)
	}
})

// shapeFailure is a failure out of what huma found wrong. The values that huma
// puts into its details are left out: one of them may be a key.
func shapeFailure(status int, message string, errs ...error) huma.StatusError {
	var found []string
	for _, err := range errs {
		if detailed, ok := err.(huma.ErrorDetailer); ok {
			found = append(found, describe(detailed.ErrorDetail()))
		}
	}
	if len(found) == 0 {
		return newFailure(status, strings.Replace(message, "request body is", "body: is", 1))
	}
	return newFailure(status, list(found))
}

// list joins problems in a stable order and bounds their number.
func list(found []string) string {
	const most = 5
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) > most {
		found = append(found[:most], "and more")
	}
	return strings.Join(found, "; ")
}

// describe says a problem as "field: problem".
func describe(d *huma.ErrorDetail) string {
	_, field, nested := strings.Cut(d.Location, ".")
	if missing, ok := cutBoth(d.Message, "expected required property ", " to be present"); ok {
		return missing + ": is required"
	}
	switch {
	case !nested:
		return d.Location + ": " + d.Message
	case d.Message == validation.MsgUnexpectedProperty:
		return fieldName(field) + ": unknown field"
	}
	return fieldName(field) + ": " + d.Message
}

func cutBoth(s, prefix, suffix string) (string, bool) {
	s, front := strings.CutPrefix(s, prefix)
	s, back := strings.CutSuffix(s, suffix)
	return s, front && back
}

// fieldName shows a name that the caller chose. All of ours are short; a long
// one, or one with other characters, may be anything, a key included.
func fieldName(name string) string {
	const most = 32
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' || r == '$'
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return "(a field with an odd name)"
	}
	return name
}
