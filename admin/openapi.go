package admin

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

const securityScheme = "key"

// description stands at the top of the document.
const description = `Manages the API keys of keygate. Calls want a key, ` + "`Authorization: Bearer ant_...`" + `: a full key manages the keys of its
own workspace, an operator key those of its account or of all; any other key may ask who it is, and end itself. Over the Unix socket no key
is wanted. Every answer is in one envelope: ` + "`{\"success\":true,\"data\":...}`" + ` or ` + "`{\"success\":false,\"error\":{\"code\",\"message\"}}`" + `. Keys that the
caller may not see are answered exactly like keys that do not exist. Times are RFC 3339 in UTC.`

// describe finishes the OpenAPI document and serves it at /openapi.json.
func (s *Server) describe() {
	doc := s.api.OpenAPI()
	doc.Info.Description = description
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", Description: "A full key or an operator key"},
	}
	text := s.Document()
	const pattern = "GET /openapi.json"
	s.rules[pattern] = rule{access: anyone}
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(text) // the client has gone
	})
}

// Document is the OpenAPI 3.1 document of the API, as it is served and checked in.
func (s *Server) Document() []byte {
	raw, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		panic(err) // of our own types
	}
	var text bytes.Buffer
	_ = json.Indent(&text, raw, "", "  ") // it is valid: it was just made
	text.WriteByte('\n')
	return text.Bytes()
}
