package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/usage"
)

// update rewrites what is generated or recorded: `go test ./admin -update`.
var update = flag.Bool("update", false, "record the answers of examples.json; rewrite docs/openapi.json and docs/api.md")

// exampleNow is when the examples take place.
var exampleNow = time.Date(2026, 3, 2, 10, 20, 0, 0, time.UTC)

// The keys of the examples: their ids are in examples.json.
const (
	exampleOperator = "01KF0FV2E0T5R3P1N9M7K4J2H0"
	exampleFull     = "01KGFAQHQ0A2E4G6J8M0P2R4T6"
	exampleRead     = "01KF0FV2E08Q4M2Z6T1R9X5D3A"
)

// exampleKeys are imported before each example.
var exampleKeys = []map[string]any{
	{"id": exampleRead, "key": exampleText("EXAMPLEkeyThatReads"), "name": "report", "permission": "read", "account": "acme", "workspace": "docs",
		"created_at": "2026-01-15T09:30:00Z", "created_by": "uid:1000", "labels": map[string]string{"env": "production", "id": "report"}},
	{"id": exampleOperator, "key": exampleText("EXAMPLEkeyThatOperates"), "name": "terraform", "permission": "operator",
		"created_at": "2026-01-15T09:30:00Z", "created_by": "uid:1000"},
	{"id": exampleFull, "key": exampleText("EXAMPLEkeyThatManages"), "name": "docs platform", "permission": "full", "account": "acme", "workspace": "docs",
		"created_at": "2026-02-02T14:05:00Z", "created_by": "uid:1000"},
	{"id": "01KHX105005N7B3W8Y2V4K6M9C", "key": exampleText("EXAMPLEkeyThatWrites"), "name": "deploy", "permission": "write", "account": "acme", "workspace": "docs",
		"created_at": "2026-02-20T08:00:00Z", "created_by": "key:" + exampleFull, "labels": map[string]string{"env": "production", "team": "docs"}},
	{"id": "01KHX10500D1F3H5K7M9P1R3T5", "key": exampleText("EXAMPLEkeyOfAnother"), "name": "invoices", "permission": "read", "account": "acme", "workspace": "billing",
		"created_at": "2026-02-20T08:00:00Z", "created_by": "uid:1000"},
}

// exampleText is the text of a key with a sound checksum, and a word in it that
// tells everybody what it is.
func exampleText(word string) string {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	text := "ant_" + word + strings.Repeat("0", 43-len(word))
	sum := [6]byte{}
	for v, i := crc32.ChecksumIEEE([]byte(text)), 5; i >= 0; v, i = v/62, i-1 {
		sum[i] = base62[v%62]
	}
	return text + string(sum[:])
}

// exampleWorld is a server over TCP whose keys are those of the examples.
type exampleWorld struct {
	*world
	url   string
	begun time.Time
	shown [][2]string // what this server made, and what the examples say in its place
}

func newExampleWorld(t testing.TB) *exampleWorld {
	t.Helper()
	recorder, err := usage.Open(usage.Options{Path: filepath.Join(t.TempDir(), "usage.db"), Now: func() time.Time { return exampleNow }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	w := &exampleWorld{begun: time.Now().UTC().Truncate(time.Millisecond)}
	w.world = newWorld(t, exampleParts, func(o *Options) { o.Usage = recorder })
	w.importKeys(t)
	for i, reason := range []string{"allowed", "allowed", "allowed", "insufficient_permission"} {
		at := exampleNow.Add(time.Duration(i-60) * time.Minute)
		recorder.Count(usage.Event{KeyID: exampleRead, Reason: reason, Allowed: reason == "allowed", Address: "203.0.113.7", At: at})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, w.server, l)
	w.url = "http://" + l.Addr().String()
	return w
}

// exampleParts stand for the rest of the program.
func exampleParts(o *Options) {
	o.Explain = func(_ context.Context, r ExplainRequest) (Explanation, error) {
		path, _, _ := strings.Cut(r.Path, "?")
		return Explanation{Method: r.Method, Path: r.Path, CanonicalPath: path, Rule: "/v1/documents/**", Required: "read"}, nil
	}
	o.Reload = func(context.Context) (Reloaded, error) {
		return Reloaded{Routes: 7, NeedsRestart: []string{"store.cache_records"}}, nil
	}
	o.ConsoleLink = func(Principal) (ConsoleLink, error) {
		return ConsoleLink{URL: "https://keys.example.com/console/link?token=EXAMPLE", ExpiresAt: Time{exampleNow.Add(5 * time.Minute)}}, nil
	}
	o.Ready = func() error { return nil }
}

func (w *exampleWorld) importKeys(t testing.TB) {
	t.Helper()
	var lines bytes.Buffer
	for _, key := range exampleKeys {
		if err := writeJSON(&lines, key); err != nil {
			t.Fatal(err)
		}
	}
	begun := w.mustAsk(t, "/v1/imports", "")
	one := "/v1/imports/" + field(t, begun, "id")
	if added := w.mustAsk(t, one+"/lines", lines.String(), "Content-Type", "application/x-ndjson"); strings.Contains(added.body, "problem") {
		t.Fatalf("the keys of the examples: %s", added.body)
	}
	w.mustAsk(t, one+"/finish", "")
}

func (w *exampleWorld) mustAsk(t testing.TB, path, body string, headers ...string) reply {
	t.Helper()
	r := w.ask(t, "POST", path, body, headers...)
	if r.status >= 300 {
		t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	return r
}

// call makes the call of an example, and all that come before it.
func (w *exampleWorld) call(t testing.TB, e example, all []example) (r reply) {
	t.Helper()
	for _, name := range e.After {
		at := slices.IndexFunc(all, func(e example) bool { return e.Name == name })
		if at < 0 {
			t.Fatalf("%s comes after %s, which there is none of", e.Name, name)
		}
		w.call(t, all[at], all)
	}
	for range max(e.Times, 1) {
		r = w.send(t, e)
	}
	return w.recorded(r) // what follows may be about what it made
}

// send makes the call over TCP, with what this server made where the example
// says something in its place.
func (w *exampleWorld) send(t testing.TB, e example) reply {
	t.Helper()
	op := operationOf(t, w.server, e.Call)
	target, body := w.url+strings.ReplaceAll(op.Path, "{id}", e.ID), string(e.Body)
	if query := e.query(); query != "" {
		target += "?" + query
	}
	media := jsonBody.media
	if e.Body != nil && op.RequestBody.Content[media] == nil {
		media = lineBody.media
		if err := json.Unmarshal(e.Body, &body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequest(op.Method, w.real(target), strings.NewReader(w.real(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	for name, value := range e.Header {
		req.Header.Set(name, w.real(value))
	}
	if e.As != "" {
		req.Header.Set("Authorization", "Bearer "+textOf(e.As))
	}
	return receive(t, req)
}

func receive(t testing.TB, req *http.Request) reply {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, answer.String()}
}

// query is the query of an example, by rising name.
func (e example) query() string {
	query := url.Values{}
	for name, value := range e.Query {
		query.Set(name, fmt.Sprint(value))
	}
	return query.Encode()
}

// textOf is the text that a role presents.
func textOf(role string) string {
	for _, key := range exampleKeys {
		if key["permission"] == role {
			return key["key"].(string)
		}
	}
	return "ant_" + role
}

func (w *exampleWorld) real(text string) string {
	for _, pair := range w.shown {
		text = strings.ReplaceAll(text, pair[1], pair[0])
	}
	return text
}

var (
	anID    = regexp.MustCompile(`\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b`)
	aText   = regexp.MustCompile(`\bant_[0-9A-Za-z]{49}\b`)
	aTime   = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)
	aHead   = regexp.MustCompile(`\b(\d+-)[0-9a-f]{64}\b`)
	anOwner = regexp.MustCompile(`"uid:\d+"`)
)

// recorded is an answer as the examples show it: with ids, texts, revisions and
// times in it that stay the same.
func (w *exampleWorld) recorded(r reply) reply {
	body := anID.ReplaceAllStringFunc(r.body, func(id string) string {
		if slices.ContainsFunc(exampleKeys, func(key map[string]any) bool { return key["id"] == id }) || id == unknownID {
			return id
		}
		return w.show(id, mintedIDs)
	})
	for _, text := range aText.FindAllString(body, -1) {
		shown := exampleText("EXAMPLEkeyThatIsNew")
		body = strings.ReplaceAll(body, text, shown)
		body = strings.ReplaceAll(body, text[len(text)-4:], shown[len(shown)-4:])
	}
	body = aTime.ReplaceAllStringFunc(body, w.showTime)
	body = aHead.ReplaceAllString(body, "${1}"+strings.Repeat("0123456789abcdef", 4))
	r.body = anOwner.ReplaceAllString(body, `"uid:1000"`)
	if tag := strings.Trim(r.header.Get("ETag"), `"`); tag != "" {
		r.header.Set("ETag", quoteTag(w.show(tag, revisions)))
	}
	return r
}

// show is what the examples say in place of something that this server made: the
// next of its kind, and the same for the same.
func (w *exampleWorld) show(made string, kind []string) string {
	next := 0
	for _, pair := range w.shown {
		if pair[0] == made {
			return pair[1]
		}
		if slices.Contains(kind, pair[1]) {
			next++
		}
	}
	w.shown = append(w.shown, [2]string{made, kind[next]})
	return kind[next]
}

// What stands for the ids and revisions that a server makes, in their order.
var (
	mintedIDs = []string{"01KJPZV2803V7H5C9K1N6W4Q2B", "01KJPZV280B8D6F4H2K0M8P6R4"}
	revisions = []string{"6c942efcac52dd8b", "a1e8f0539d27b64c", "0f7b3c61d58e92a4"}
)

// showTime moves a time that lies after the start of the test to that of the
// examples; the others are theirs.
func (w *exampleWorld) showTime(quoted string) string {
	at, err := time.Parse(`"`+time.RFC3339Nano+`"`, quoted)
	if err != nil || at.Before(w.begun) {
		return quoted
	}
	return exampleNow.Add(at.Sub(w.begun).Truncate(5 * time.Minute)).Format(`"` + wireTime + `"`)
}

// TestExamplesAreAnsweredAsTheyStand makes each call of examples.json to a server
// of its own, and compares status, revision and answer.
func TestExamplesAreAnsweredAsTheyStand(t *testing.T) {
	all := examples()
	for i, e := range all {
		t.Run(e.Call+"/"+e.Name, func(t *testing.T) {
			w := newExampleWorld(t)
			r := w.call(t, e, all)
			r.mustBeOurs(t)
			w.mustHaveHeaders(t, e, r)
			answer, tag := strings.TrimSpace(r.body), r.header.Get("ETag")
			if *update && r.status == e.Status {
				all[i].ETag, all[i].Answer = tag, json.RawMessage(answer)
				return
			}
			if r.status != e.Status || tag != e.ETag || answer != compact(t, e.Answer) {
				t.Errorf("got  %d %s %s\nwant %d %s %s", r.status, tag, answer, e.Status, e.ETag, compact(t, e.Answer))
			}
		})
	}
	if *update && !t.Failed() {
		record(t, all)
	}
}

// mustHaveHeaders wants the headers that the document promises.
func (w *exampleWorld) mustHaveHeaders(t testing.TB, e example, r reply) {
	t.Helper()
	answer := operationOf(t, w.server, e.Call).Responses[strconv.Itoa(r.status)]
	if answer != nil && answer.Ref != "" {
		answer = w.server.api.OpenAPI().Components.Responses[refusalName(r.status)]
	}
	if answer == nil {
		t.Fatalf("%d is not in the document", r.status)
	}
	for name := range answer.Headers {
		if r.header.Get(name) == "" {
			t.Errorf("no %s with %d", name, r.status)
		}
	}
}

func compact(t testing.TB, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// record writes the examples back.
func record(t *testing.T, all []example) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("examples.json", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
