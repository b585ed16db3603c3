package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// docPage is docs/api.md: the document for people, call by call.
func docPage(document []byte) (string, error) {
	var doc apiDocument
	if err := json.Unmarshal(document, &doc); err != nil {
		return "", err
	}
	p := &page{doc: doc}
	p.line("# %s", doc.Info.Title)
	p.line("_Made from [openapi.json](openapi.json), which every server has at `/openapi.json`. `go test ./admin -update` writes both._")
	p.line("%s", strings.TrimSpace(doc.Info.Description))
	p.refusals()
	p.index()
	for _, tag := range doc.Tags {
		p.line("## %s", tag.Name)
		p.line("%s", tag.Description)
		for _, c := range doc.calls(tag.Name) {
			p.call(c)
		}
	}
	p.objects()
	return p.text.String(), nil
}

// apiDocument is as much of OpenAPI as the page shows.
type apiDocument struct {
	Info  struct{ Title, Description string }
	Tags  []struct{ Name, Description string }
	Paths map[string]map[string]apiCall

	Components struct {
		Schemas    map[string]apiSchema
		Responses  map[string]apiAnswer
		Parameters map[string]apiParameter
	}
}

type apiCall struct {
	Method, Path string `json:"-"`
	OperationID  string
	Summary      string
	Description  string
	Tags         []string
	Security     []map[string][]string
	Parameters   []apiParameter
	RequestBody  *struct {
		Required bool
		Content  map[string]apiContent
	}
	Responses map[string]apiAnswer
}

type apiParameter struct {
	Ref         string `json:"$ref"`
	Name, In    string
	Description string
	Required    bool
	Schema      apiSchema
	Examples    map[string]apiExample
}

type apiContent struct {
	Schema   apiSchema
	Examples map[string]apiExample
}

type apiExample struct {
	Summary string
	Value   json.RawMessage
}

type apiAnswer struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     map[string]apiParameter
	Content     map[string]apiContent
}

// The order of methods on a path.
var methodOrder = []string{http.MethodPost, http.MethodGet, http.MethodPatch, http.MethodDelete}

// calls are those of a tag, by path.
func (d apiDocument) calls(tag string) (calls []apiCall) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range methodOrder {
			c, ok := d.Paths[path][strings.ToLower(method)]
			if ok && slices.Contains(c.Tags, tag) {
				c.Method, c.Path = method, path
				calls = append(calls, c)
			}
		}
	}
	return calls
}

// page is written from the top.
type page struct {
	doc  apiDocument
	text strings.Builder
}

// line writes a paragraph.
func (p *page) line(format string, args ...any) {
	if p.text.Len() > 0 {
		p.text.WriteString("\n")
	}
	fmt.Fprintf(&p.text, format+"\n", args...)
}

// table writes a table; without rows, nothing.
func (p *page) table(head string, rows []string) {
	if len(rows) == 0 {
		return
	}
	p.line("%s\n|%s\n%s", head, strings.Repeat("---|", strings.Count(head, "|")-1), strings.Join(rows, "\n"))
}

func (p *page) refusals() {
	p.line("## Refusals")
	var rows []string
	for status := range 600 {
		answer, ok := p.doc.Components.Responses[refusalName(status)]
		if ok {
			code, when, _ := strings.Cut(answer.Description, ": ")
			rows = append(rows, fmt.Sprintf("| %d | %s | %s |", status, code, when))
		}
	}
	p.table("| status | `code` | when |", rows)
	if answer := p.doc.Components.Responses[refusalName(http.StatusConflict)].Content[jsonBody.media]; len(answer.Examples) > 0 {
		p.line("%s", fenced("json", indented(answer.Examples["repeated"].Value)))
	}
}

func (p *page) index() {
	p.line("## Calls")
	var rows []string
	for _, tag := range p.doc.Tags {
		for _, c := range p.doc.calls(tag.Name) {
			rows = append(rows, fmt.Sprintf("| [`%s %s`](#%s) | %s |", c.Method, c.Path, c.OperationID, c.Summary))
		}
	}
	p.table("| call | |", rows)
	p.line("In the examples `$SERVER` is where the API is, such as `https://keys.example.com`, and `$KEY` is the text of a key.")
}

func (p *page) call(c apiCall) {
	p.line("### %s", c.OperationID)
	p.line("    %s %s", c.Method, c.Path)
	p.line("%s.", c.Summary)
	p.line("%s", c.Description)
	p.parameters(c)
	p.body(c)
	p.answers(c)
	p.examples(c)
}

func (p *page) parameters(c apiCall) {
	var rows, claims []string
	for _, param := range c.Parameters {
		if name, shared := strings.CutPrefix(param.Ref, "#/components/parameters/"); shared {
			claims = append(claims, "`"+p.doc.Components.Parameters[name].Name+"`")
			continue
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |", param.Name, param.In, param.Schema.words(), sentence(param.Description)))
	}
	p.table("| parameter | in | takes | |", rows)
	if len(claims) > 0 {
		p.line("Also takes %s.", strings.Join(claims, ", "))
	}
}

func (p *page) body(c apiCall) {
	if c.RequestBody == nil {
		return
	}
	may := ""
	if !c.RequestBody.Required {
		may = ", which may be left out"
	}
	for media, content := range c.RequestBody.Content {
		schema := content.Schema.resolve(p.doc)
		switch {
		case schema.Properties == nil:
			p.line("Body: `%s`%s. %s", media, may, sentence(schema.Description))
		case len(schema.Properties) == 0:
			p.line("Body: none, or `{}`.")
		default:
			p.line("Body: `%s`%s.", media, may)
			p.fields(schema, true)
		}
	}
}

// fields is the table of what an object has. Those of a request say which are
// required; of an answer all are, but for the few that say otherwise.
func (p *page) fields(s apiSchema, request bool) {
	var rows []string
	for _, name := range s.names() {
		field, must := s.Properties[name], ""
		if request && slices.Contains(s.Required, name) {
			must = " (required)"
		}
		rows = append(rows, fmt.Sprintf("| `%s`%s | %s | %s |", name, must, field.words(), sentence(field.Description)))
	}
	p.table("| field | is | |", rows)
}

func (p *page) answers(c apiCall) {
	var refusals []string
	for _, status := range slices.Sorted(maps.Keys(c.Responses)) {
		answer := c.Responses[status]
		if answer.Ref != "" {
			refusals = append(refusals, status)
			continue
		}
		data := answer.Content[jsonBody.media].Schema.resolve(p.doc).Properties["data"]
		tag := ""
		if len(answer.Headers) > 0 {
			tag = ", with an `ETag`"
		}
		p.line("**%s**: %s%s. `data` is %s.", status, answer.Description, tag, data.words())
	}
	p.line("Refused with %s.", strings.Join(refusals, ", "))
}

// examples shows each example that succeeds, and the answer to the first.
func (p *page) examples(c apiCall) {
	shown := 0
	for _, e := range examples() { // for their order
		answer, ok := c.Responses[strconv.Itoa(e.Status)].Content[jsonBody.media].Examples[e.Name]
		if e.Call != c.OperationID || !ok {
			continue
		}
		p.line("%s:", answer.Summary)
		p.line("%s", fenced("sh", p.curl(c, e.Name)))
		if shown++; shown == 1 {
			p.line("%s", fenced("json", indented(answer.Value)))
		}
	}
}

// curl is the command that makes the call of an example.
func (p *page) curl(c apiCall, name string) string {
	target, query, headers := c.Path, []string{}, []string{}
	for _, param := range c.Parameters {
		if shared, ok := strings.CutPrefix(param.Ref, "#/components/parameters/"); ok {
			param = p.doc.Components.Parameters[shared]
		}
		example, ok := param.Examples[name]
		value := strings.Trim(string(example.Value), `"`)
		switch {
		case !ok:
		case param.In == "path":
			target = strings.ReplaceAll(target, "{"+param.Name+"}", value)
		case param.In == "query":
			query = append(query, param.Name+"="+value)
		default:
			_ = json.Unmarshal(example.Value, &value)
			headers = append(headers, fmt.Sprintf("-H '%s: %s'", param.Name, value))
		}
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	words := []string{"curl"}
	data, sent := c.data(name)
	if c.Method != http.MethodGet && (!sent || c.Method != http.MethodPost) {
		words = append(words, "-X "+c.Method)
	}
	words = append(words, `"$SERVER`+target+`"`)
	if len(c.Security) > 0 {
		words = append(words, `-H "Authorization: Bearer $KEY"`)
	}
	return strings.Join(append(append(words, headers...), data...), " ")
}

// data is how curl sends the body of an example.
func (c apiCall) data(name string) (words []string, sent bool) {
	if c.RequestBody == nil {
		return nil, false
	}
	for media, content := range c.RequestBody.Content {
		example, ok := content.Examples[name]
		var lines string
		switch {
		case !ok:
		case media == jsonBody.media:
			return []string{"\\\n  --json '" + flat(example.Value) + "'"}, true
		case json.Unmarshal(example.Value, &lines) == nil:
			return []string{"\\\n  -H 'Content-Type: " + media + "' --data-binary @- <<'END'\n" + lines + "END"}, true
		}
	}
	return nil, false
}

// objects are the things that answers are made of.
func (p *page) objects() {
	p.line("## Objects")
	for _, name := range slices.Sorted(maps.Keys(p.doc.Components.Schemas)) {
		if !p.linked(name) {
			continue
		}
		p.line("### %s object", name)
		schema := p.doc.Components.Schemas[name]
		if key := p.doc.Components.Schemas["Key"]; name != "Key" && schema.extends(key) {
			schema = schema.without(key)
			p.line("A [Key](#key-object), and:")
		}
		p.fields(schema, false)
	}
}

// linked reports whether the page so far leads to an object.
func (p *page) linked(name string) bool {
	if strings.Contains(p.text.String(), "](#"+strings.ToLower(name)+"-object)") {
		return true
	}
	for _, schema := range p.doc.Components.Schemas {
		for _, field := range schema.Properties {
			if strings.Contains(field.words(), "["+name+"]") {
				return true
			}
		}
	}
	return false
}

func fenced(language, text string) string {
	return "```" + language + "\n" + strings.TrimSpace(text) + "\n```"
}

func indented(raw []byte) string {
	var b bytes.Buffer
	_ = json.Indent(&b, raw, "", "  ")
	return b.String()
}

func flat(raw []byte) string {
	var b bytes.Buffer
	_ = json.Compact(&b, raw)
	return b.String()
}

// sentence ends with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
