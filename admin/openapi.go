package admin

import (
	"bytes"
	_ "embed" // the introduction
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	securityScheme = "key"
	metadataAccess = "access" // of an operation: who may call it
)

// introduction stands at the top of the document, in Markdown.
//
//go:embed introduction.md
var introduction string

// describe finishes the OpenAPI document and serves it at /openapi.json.
func (s *Server) describe() {
	doc := s.api.OpenAPI()
	doc.Info.Title, doc.Info.Description = "keygate admin API", introduction
	doc.Servers = []*huma.Server{{URL: "/", Description: "Where this document was fetched"}}
	doc.Tags = tags
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "ant_...", Description: "A key of this server. What it may do is said of each call"},
	}
	doc.Components.Parameters = claims()
	doc.Components.Responses = refusals()
	describeSchemas(doc.Components.Schemas.Map())
	eachOperation(doc, func(op *huma.Operation) {
		describeOperation(op)
		boundParameters(op.Parameters)
		linkKeys(op)
	})
	addExamples(doc)
	s.serveDocument()
}

func (s *Server) serveDocument() {
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

// eachOperation visits all operations of a document.
func eachOperation(doc *huma.OpenAPI, visit func(*huma.Operation)) {
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op != nil {
				visit(op)
			}
		}
	}
}

// describeOperation puts into words what the types do not say, and the answers
// that every call shares in place of those that huma would say.
func describeOperation(op *huma.Operation) {
	told := spoken[op.OperationID]
	access, _ := op.Metadata[metadataAccess].(access)
	op.Tags = []string{told.tag}
	op.Description = strings.TrimSpace(told.about + "\n\nWho may: " + access.who() + ".")
	for status, answer := range op.Responses {
		if code, _ := strconv.Atoi(status); code >= http.StatusBadRequest {
			op.Responses[status] = &huma.Response{Ref: "#/components/responses/" + refusalName(code)}
			continue
		}
		answer.Description = told.gives
		if !told.tagged {
			answer.Headers = nil
		}
	}
	delete(op.Responses, unprocessable) // huma's word for a 400 of ours
	if told.found != "" {
		found := *op.Responses[strconv.Itoa(op.DefaultStatus)]
		found.Description = told.found
		op.Responses[strconv.Itoa(http.StatusOK)] = &found
	}
	if op.Method != http.MethodGet {
		op.Parameters = append(op.Parameters, claimed...)
	}
}

var unprocessable = strconv.Itoa(http.StatusUnprocessableEntity)

// linkKeys says where an answer's ids lead.
func linkKeys(op *huma.Operation) {
	told := spoken[op.OperationID]
	if told.id == "" {
		return
	}
	links := map[string]*huma.Link{}
	for _, call := range told.leads {
		links[call] = &huma.Link{OperationID: call, Parameters: map[string]any{"id": "$response.body#/data/" + told.id}}
	}
	op.Responses[strconv.Itoa(op.DefaultStatus)].Links = links
}
