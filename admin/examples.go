package admin

import (
	_ "embed" // the examples
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// exampleFile holds the examples of the document. Requests are written by hand;
// answers are those of a real server, recorded and held by a test.
//
//go:embed examples.json
var exampleFile []byte

// example is a call with its answer.
type example struct {
	Call    string   `json:"call"` // id of the operation
	Name    string   `json:"name"` // in the document
	Summary string   `json:"summary"`
	As      string   `json:"as"`              // whose key the test presents; "" is none
	After   []string `json:"after,omitempty"` // examples that the test runs before, in the same store
	Times   int      `json:"times,omitempty"` // how often the test makes the call, if more than once

	ID     string            `json:"id,omitempty"` // in the path
	Query  map[string]any    `json:"query,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   json.RawMessage   `json:"body,omitempty"` // of lines: a JSON string

	Status int             `json:"status"`
	ETag   string          `json:"etag,omitempty"`
	Answer json.RawMessage `json:"answer"`
}

// examples reads the file, which is our own.
func examples() []example {
	var all []example
	if err := json.Unmarshal(exampleFile, &all); err != nil {
		panic(err)
	}
	return all
}

// addExamples puts the examples where OpenAPI wants them: apart, under one name.
func addExamples(doc *huma.OpenAPI) {
	operations := map[string]*huma.Operation{}
	eachOperation(doc, func(op *huma.Operation) { operations[op.OperationID] = op })
	for _, e := range examples() {
		op := operations[e.Call]
		if e.Status != http.StatusBadRequest { // what the schema refuses is no example of it
			e.addParameters(slices.Concat(op.Parameters, slices.Collect(maps.Values(doc.Components.Parameters))))
			e.addBody(op)
		}
		e.addAnswer(doc, op)
	}
}

func (e example) addParameters(all []*huma.Param) {
	for _, p := range all {
		if value := e.parameter(p); value != nil {
			p.Examples = with(p.Examples, e.Name, &huma.Example{Value: value})
		}
	}
}

func (e example) addBody(op *huma.Operation) {
	if e.Body == nil {
		return
	}
	for _, content := range op.RequestBody.Content {
		content.Examples = with(content.Examples, e.Name, &huma.Example{Summary: e.Summary, Value: e.Body})
	}
}

// parameter is the value of a parameter in the example, or nil.
func (e example) parameter(p *huma.Param) any {
	switch value, sent := e.Header[p.Name]; {
	case p.In == "path":
		return e.ID
	case p.In == "query":
		return e.Query[p.Name]
	case sent:
		return value
	}
	return nil
}

// addAnswer adds the answer to the operation, or a refusal to those that all share.
func (e example) addAnswer(doc *huma.OpenAPI, op *huma.Operation) {
	answer := op.Responses[strconv.Itoa(e.Status)]
	if e.Status >= http.StatusBadRequest {
		answer = doc.Components.Responses[refusalName(e.Status)]
	}
	content := answer.Content[jsonBody.media]
	content.Examples = with(content.Examples, e.Name, &huma.Example{Summary: e.Summary, Value: e.Answer})
	if tag := answer.Headers["ETag"]; tag != nil {
		tag.Examples = with(tag.Examples, e.Name, &huma.Example{Value: e.ETag})
	}
}

func with(all map[string]*huma.Example, name string, e *huma.Example) map[string]*huma.Example {
	if all == nil {
		all = map[string]*huma.Example{}
	}
	all[name] = e
	return all
}
