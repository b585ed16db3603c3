package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// operationOf finds a call in the document.
func operationOf(t testing.TB, s *Server, id string) (found *huma.Operation) {
	t.Helper()
	eachOperation(s.api.OpenAPI(), func(op *huma.Operation) {
		if op.OperationID == id {
			found = op
		}
	})
	if found == nil {
		t.Fatalf("there is no call %s", id)
	}
	return found
}

// documented is a server without the routes that tests add.
var documented = sync.OnceValue(func() *Server { return New(Options{}) })

// mustBeDocumented wants the document to know every status with which a call of any
// test is answered, if there is such a call.
func mustBeDocumented(t testing.TB, req *http.Request, status int) {
	t.Helper()
	pattern, _ := documented().route(httptest.NewRecorder(), req)
	eachOperation(documented().api.OpenAPI(), func(op *huma.Operation) {
		if op.Method+" "+op.Path == pattern && op.Responses[strconv.Itoa(status)] == nil {
			t.Errorf("%s is answered with %d, which the document does not know", op.OperationID, status)
		}
	})
}

// TestDocumentsAreCurrent compares what is checked in with what the code says.
func TestDocumentsAreCurrent(t *testing.T) {
	document := newWorld(t).server.Document()
	page, err := docPage(document)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"../docs/openapi.json": string(document), "../docs/api.md": page} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not what the code says: go test ./admin -update (%v)", file, err)
		}
	}
}

func TestDocumentIsServedToAnybody(t *testing.T) {
	w := newExampleWorld(t)
	req, err := http.NewRequest("GET", w.url+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := receive(t, req)
	r.mustBeOurs(t)
	if r.status != http.StatusOK || r.body != string(w.server.Document()) || !strings.Contains(r.body, `"openapi": "3.1.0"`) {
		t.Errorf("%d %.100s", r.status, r.body)
	}
}

// TestEveryCallIsDescribed looks for what a reader would miss.
func TestEveryCallIsDescribed(t *testing.T) {
	doc := newWorld(t).server.api.OpenAPI()
	calls := 0
	eachOperation(doc, func(op *huma.Operation) {
		calls++
		told, known := spoken[op.OperationID]
		if !known || told.about == "" || told.gives == "" || op.Summary == "" || !strings.Contains(op.Description, "Who may: ") {
			t.Errorf("%s: there are no words on it in openapi_words.go", op.OperationID)
		}
		if !slices.ContainsFunc(tags, func(tag *huma.Tag) bool { return tag.Name == told.tag }) {
			t.Errorf("%s: no tag %q", op.OperationID, told.tag)
		}
		mustRefuseAsAllDo(t, doc, op)
		mustBeShown(t, op)
		for _, p := range op.Parameters {
			if p.Ref == "" && (p.Description == "" || p.Schema == nil) {
				t.Errorf("%s: parameter %s says nothing", op.OperationID, p.Name)
			}
		}
	})
	if calls != len(spoken) {
		t.Errorf("%d calls, but words on %d", calls, len(spoken))
	}
	for name, schema := range doc.Components.Schemas.Map() {
		for field, s := range schema.Properties {
			if s.Description == "" && !strings.HasPrefix(name, "Success") && name != "Failure" {
				t.Errorf("%s.%s says nothing", name, field)
			}
		}
	}
}

// mustRefuseAsAllDo holds the refusals to the shared answers, and those to the codes.
func mustRefuseAsAllDo(t *testing.T, doc *huma.OpenAPI, op *huma.Operation) {
	t.Helper()
	for status, answer := range op.Responses {
		number, err := strconv.Atoi(status)
		switch name, shared := strings.CutPrefix(answer.Ref, "#/components/responses/"); {
		case err != nil:
			t.Errorf("%s: an answer %q would allow every status", op.OperationID, status)
		case number < 400 && (shared || answer.Description == "" || len(answer.Content) != 1):
			t.Errorf("%s: %s is not described", op.OperationID, status)
		case number >= 400 && (!shared || codes[number] == "" || doc.Components.Responses[name] == nil):
			t.Errorf("%s: %s is no refusal of ours", op.OperationID, status)
		}
	}
}

// mustBeShown wants an example of each answer that is no refusal.
func mustBeShown(t *testing.T, op *huma.Operation) {
	t.Helper()
	for status, answer := range op.Responses {
		if answer.Ref != "" {
			continue
		}
		if len(answer.Content[jsonBody.media].Examples) == 0 {
			t.Errorf("%s: no example of %s", op.OperationID, status)
		}
	}
	if op.RequestBody != nil && op.RequestBody.Required {
		for media, content := range op.RequestBody.Content {
			if len(content.Examples) == 0 {
				t.Errorf("%s: no example of a %s", op.OperationID, media)
			}
		}
	}
}

func TestEveryCodeHasAMeaning(t *testing.T) {
	for status, code := range codes {
		if meanings[status] == "" || http.StatusText(status) == "" {
			t.Errorf("%d %s: say in meanings when", status, code)
		}
	}
	if len(meanings) != len(codes) {
		t.Errorf("%d meanings of %d codes", len(meanings), len(codes))
	}
}

// TestDocumentHasNothingOfItsMaker looks for what huma would add of its own.
func TestDocumentHasNothingOfItsMaker(t *testing.T) {
	s := newWorld(t).server
	document := string(s.Document())
	for _, word := range []string{"ErrorModel", "problem+json", "$schema", "422", `"default": {`, "UnprocessableEntity", "localhost"} {
		if strings.Contains(document, word) {
			t.Errorf("the document holds %q", word)
		}
	}
	if again := string(New(Options{}).Document()); again != document {
		t.Error("two servers say different things")
	}
}

// TestSchemasAreWhatTheServerTakes holds the bounds that the document says, and
// huma does not check, to what the server does.
func TestSchemasAreWhatTheServerTakes(t *testing.T) {
	w := newWorld(t)
	schemas := compileDocument(t, w.server)
	for field, values := range map[string][]string{
		"name":      {"a", "ä<&>", strings.Repeat("ä", 100), strings.Repeat("ä", 101), ""},
		"account":   {"a", "A.b_c-9", strings.Repeat("a", 63), strings.Repeat("a", 64), "-a", "a b", "ä"},
		"workspace": {"a", ".", "a/b"},
		"expires":   {"never", "30d", "1d12h", "1.5h", "2099-12-31", "2099-12-31T08:00:00Z", "2099-12-31T08:00:00.5+02:00", "", "30", "d", "-1d", "30 d", "Never", "2099-1-1", "2099-12-31 08:00:00"},
	} {
		for _, value := range values {
			body := map[string]any{"name": "a", "permission": "read"}
			body[field] = value
			text, _ := json.Marshal(body)
			r := w.ask(t, "POST", "/v1/keys", string(text))
			if fits := schemas.check(t, "/components/schemas/CreateRequest", text) == nil; fits != (r.status == 201) {
				t.Errorf("%s %q: fits the schema: %t; the server: %d %s", field, value, fits, r.status, r.body)
			}
		}
	}
}

// TestExamplesFitTheirSchemas walks through the whole document and checks each
// example in it against the schema beside it. All are of examples.json, which are
// run by TestExamplesAreAnsweredAsTheyStand.
func TestExamplesFitTheirSchemas(t *testing.T) {
	s := newWorld(t).server
	schemas, names := compileDocument(t, s), map[string]bool{}
	for _, e := range examples() {
		names[e.Name] = true
	}
	checked := 0
	eachObject(schemas.document, "", func(at string, object map[string]any) {
		if _, single := object["example"]; single {
			t.Errorf("%s: an example without a name is not run", at)
		}
		all, ok := object["examples"].(map[string]any)
		if !ok {
			return
		}
		for name, entry := range all {
			value, err := json.Marshal(entry.(map[string]any)["value"])
			if err != nil || !names[name] {
				t.Errorf("%s: %s is not of examples.json (%v)", at, name, err)
			}
			if err := schemas.check(t, at+"/schema", value); err != nil {
				t.Errorf("%s: example %s: %v", at, name, err)
			}
			checked++
		}
	})
	t.Logf("%d examples", checked)
	if checked < 3*len(examples())/2 {
		t.Errorf("%d examples only", checked)
	}
}

// schemas are those of the document, to check values with.
type schemas struct {
	document any
	compiler *jsonschema.Compiler
}

func compileDocument(t testing.TB, s *Server) schemas {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.Document()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", document); err != nil {
		t.Fatal(err)
	}
	return schemas{document, c}
}

// check tells what is wrong with a value by the schema at a place of the document.
func (s schemas) check(t testing.TB, at string, value []byte) error {
	t.Helper()
	schema, err := s.compiler.Compile("openapi.json#" + at)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return err
	}
	return schema.Validate(parsed)
}

// eachObject visits all objects below a value, with the JSON pointer to each.
func eachObject(value any, at string, visit func(at string, object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(at, value)
		for name, child := range value {
			eachObject(child, at+"/"+strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name), visit)
		}
	case []any:
		for i, child := range value {
			eachObject(child, fmt.Sprintf("%s/%d", at, i), visit)
		}
	}
}

func TestHeadingsOfThePageDiffer(t *testing.T) {
	page, err := docPage(newWorld(t).server.Document())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			if name := strings.ToLower(heading); seen[name] {
				t.Errorf("two headings are %q: links lead to the first", heading)
			} else {
				seen[name] = true
			}
		}
	}
}

// TestNamedRoutesAreNoKeys asks for a path that is a route by name with the
// method of a route for ids.
func TestNamedRoutesAreNoKeys(t *testing.T) {
	w := newWorld(t)
	for path, methods := range map[string][]string{"/v1/keys/find": {"GET", "PATCH", "HEAD"}, "/v1/keys/revoke": {"GET", "PATCH", "PUT"}} {
		for _, method := range methods {
			r := w.ask(t, method, path, "")
			if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, allow %q, %s", method, path, r.status, r.header.Get("Allow"), r.body)
			}
		}
	}
	if r := w.ask(t, "GET", "/v1/keys/%66ind", ""); r.status != http.StatusMethodNotAllowed { // as ServeMux reads it
		t.Errorf("escaped: %d %s", r.status, r.body)
	}
}
