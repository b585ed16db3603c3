package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

// mask replaces what differs from run to run.
func mask(body string) string {
	for _, m := range []struct{ pattern, with string }{
		{`"ant_[0-9A-Za-z]{49}"`, `"TEXT"`},
		{`"last4":"[0-9A-Za-z]{4}"`, `"last4":"LAST"`},
		{`"[0-9A-HJKMNP-TV-Z]{26}"`, `"ID"`},
		{`"uid:\d+"`, `"UID"`},
		{`"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`, `"TIME"`},
	} {
		body = regexp.MustCompile(m.pattern).ReplaceAllString(body, m.with)
	}
	return body
}

// shown is a key as an answer shows it; links are what it replaces and what replaced it.
func shown(name, status, expires, revoked string, links ...string) string {
	links = append(links, "null", "null")
	return fmt.Sprintf(`"id":"ID","name":%q,"permission":"read","account":"default","workspace":"default","prefix":"ant_","last4":"LAST",`+
		`"status":%q,"created_at":"TIME","expires_at":%s,"revoked_at":%s,"last_used_at":null,"created_by":"UID","labels":{},`+
		`"replaces":%s,"replaced_by":%s,"retire_when_unused":null`, name, status, expires, revoked, links[0], links[1])
}

// TestEveryRoute walks through a key's life and compares whole answers.
func TestEveryRoute(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Explain = func(_ context.Context, r ExplainRequest) (Explanation, error) {
			return Explanation{Method: r.Method, Path: r.Path, CanonicalPath: "/v1/x", Rule: "/v1/**", Required: "read", Reason: "no_credential"}, nil
		}
		o.Reload = func(context.Context) (Reloaded, error) { return Reloaded{Routes: 3}, nil }
	})
	step := func(method, path, body string, status int, want string) reply {
		t.Helper()
		r := w.ask(t, method, path, body)
		if got := mask(r.body); r.status != status || got != `{"success":true,"data":`+want+"}\n" {
			t.Errorf("%s %s\ngot  %d %swant %d %s", method, path, r.status, got, status, want)
		}
		r.mustBeOurs(t)
		return r
	}
	made := step("POST", "/v1/keys", `{"name":" ci <&> ","permission":"read"}`, 201, "{"+shown("ci <&>", "active", "null", "null")+`,"key":"TEXT"}`)
	id, text := field(t, made, "id"), field(t, made, "key")
	path := "/v1/keys/" + id
	step("GET", path, "", 200, "{"+shown("ci <&>", "active", "null", "null")+`,"made":0}`)
	step("GET", "/v1/keys", "", 200, `{"keys":[{`+shown("ci <&>", "active", "null", "null")+`}],"next":null}`)
	step("GET", "/v1/keys?account=other", "", 200, `{"keys":[],"next":null}`)
	step("POST", "/v1/keys/find", `{"key":"`+text+`"}`, 200, "{"+shown("ci <&>", "active", "null", "null")+"}")
	step("PATCH", path, `{"name":"deploy"}`, 200, "{"+shown("deploy", "active", "null", "null")+`,"made":0}`)
	step("POST", path+"/rotate", `{"overlap":"1h","expires":"30d"}`, 200,
		`{"old":{`+shown("deploy", "retiring", `"TIME"`, "null", "null", `"ID"`)+`},"new":{`+shown("deploy", "active", `"TIME"`, "null", `"ID"`)+`,"key":"TEXT"}}`)
	for range 2 { // revoking twice gives the same answer
		step("POST", path+"/revoke", "{}", 200, "{"+shown("deploy", "revoked", `"TIME"`, `"TIME"`, "null", `"ID"`)+`,"descendants":0,"living":0}`)
	}
	step("POST", "/v1/explain", `{"method":"GET","path":"/v1/x?q"}`, 200, `{"method":"GET","path":"/v1/x?q","canonical_path":"/v1/x","rule":"/v1/**",`+
		`"required":"read","reason":"no_credential","problem":"","allowed":false,"key":null,"key_problem":""}`)
	step("POST", "/v1/reload", "", 200, `{"routes":3,"warnings":[],"needs_restart":[]}`)
	step("GET", "/v1/health", "", 200, `{"status":"ok"}`)
	step("GET", "/v1/health?ready=true", "", 200, `{"status":"ok"}`)
	if r := w.ask(t, "HEAD", "/v1/health", ""); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %d %q", r.status, r.body)
	}
	w.ask(t, "PATCH", path, `{"name":"x"}`).mustBe(t, 409, refused("CONFLICT", "key "+id+" is revoked and cannot be renamed"))
	if r := w.ask(t, "POST", path+"/rotate", ""); r.status != 409 {
		t.Errorf("rotate of a revoked key: %d %s", r.status, r.body)
	}
}

// field takes one string out of an answer's data.
func field(t testing.TB, r reply, name string) string {
	t.Helper()
	var envelope struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(r.body), &envelope); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	s, _ := envelope.Data[name].(string)
	return s
}

func TestFindTellsWhatIsWrongWithAText(t *testing.T) {
	w := newWorld(t)
	_, text := mustCreate(t, w, "a")
	other := byte('a')
	if text[10] == other {
		other = 'b'
	}
	mistyped := text[:10] + string(other) + text[11:]
	for name, row := range map[string]struct{ text, says string }{
		"cut":      {text[:40], keystore.TextWrongLength.String()},
		"mistyped": {mistyped, keystore.TextBadChecksum.String()},
		"foreign":  {"sk_live_1234", keystore.TextForeign.String()},
		"empty":    {"", keystore.TextForeign.String()},
	} {
		t.Run(name, func(t *testing.T) {
			body, _ := json.Marshal(findRequest{Key: row.text})
			r := w.ask(t, "POST", "/v1/keys/find", string(body))
			r.mustBe(t, 404, refused("NOT_FOUND", "no key has this text: "+row.says))
		})
	}
	_, foreign := mustCreate(t, newWorld(t), "b")
	body, _ := json.Marshal(findRequest{Key: foreign})
	w.ask(t, "POST", "/v1/keys/find", string(body)).
		mustBe(t, 404, refused("NOT_FOUND", "no key has this text: it is well-formed, but was not made by this store"))
}

func TestExplainGetsTheKeyAsASecret(t *testing.T) {
	var got ExplainRequest
	w := newWorld(t, func(o *Options) {
		o.Explain = func(_ context.Context, r ExplainRequest) (Explanation, error) {
			got = r
			return Explanation{Key: &Key{ID: "x", Permission: keystore.Read}}, nil
		}
	})
	answer, err := w.Explain(t.Context(), ExplainRequest{Method: "GET", Path: "/", Key: keystore.NewSecret("ant_x")})
	if err != nil || answer.Key == nil || answer.Key.ID != "x" {
		t.Fatalf("%+v, %v", answer, err)
	}
	if got.Key.Reveal() != "ant_x" || strings.Contains(fmt.Sprintf("%+v %#v", got, got), "ant_x") {
		t.Errorf("got %+v", got)
	}
	if _, err := w.Explain(t.Context(), ExplainRequest{Method: "GET", Path: "/"}); err != nil || got.Key.Reveal() != "" {
		t.Errorf("without a key: %+v, %v", got, err)
	}
}

func TestRefusedReloadShowsItsProblems(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Reload = func(context.Context) (Reloaded, error) {
			return Reloaded{}, errors.New("keygate.yaml:3:5: <what>\nkeygate.yaml:4:1: x")
		}
	})
	w.ask(t, "POST", "/v1/reload", "").mustBe(t, 409, refused("CONFLICT", "keygate.yaml:3:5: <what>\nkeygate.yaml:4:1: x"))
}

func TestHealthAsksReadyOnlyIfAsked(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Ready = func() error { return errors.New("the store is not open yet") } })
	if err := w.Health(t.Context(), false); err != nil {
		t.Error(err)
	}
	w.ask(t, "GET", "/v1/health?ready=true", "").mustBe(t, 503, refused("UNAVAILABLE", "the store is not open yet"))
}

// TestAuditKnowsThePeer compares the audit records of all changes: who is
// proven, who is claimed, why.
func TestAuditKnowsThePeer(t *testing.T) {
	w := newWorld(t)
	w.Actor, w.Reason, w.RequestID = "ada <ada@example.org>", "leak in Zürich", "req-1"
	key, _ := mustCreate(t, w, "a")
	if _, err := w.Rename(t.Context(), key.ID, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Rotate(t.Context(), key.ID, RotateRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Revoke(t.Context(), key.ID, false); err != nil {
		t.Fatal(err)
	}
	records, err := w.store.Audit(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	want := keystore.By{Actor: fmt.Sprintf("uid:%d", os.Getuid()), Claimed: w.Actor, Reason: w.Reason, RequestID: w.RequestID}
	var actions []string
	for _, r := range records {
		actions = append(actions, r.Action)
		if r.By != want {
			t.Errorf("%s by %+v, want %+v", r.Action, r.By, want)
		}
	}
	if diff := cmp.Diff([]string{"create", "rename", "rotate", "create", "revoke"}, actions); diff != "" {
		t.Error(diff)
	}
}

// TestActorCannotBeClaimed sends a header for everything that a caller might
// take for the proven actor.
func TestActorCannotBeClaimed(t *testing.T) {
	w := newWorld(t)
	w.ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read"}`,
		"Actor", "uid:77777", "X-Actor", "uid:77777", "X-Keygate-Actor", "uid:77777", "X-Keygate-Uid", "77777")
	records, err := w.store.Audit(0, 1)
	if err != nil || len(records) != 1 {
		t.Fatalf("%v, %v", records, err)
	}
	if by := records[0].By; by.Actor != fmt.Sprintf("uid:%d", os.Getuid()) || by.Claimed != "uid:77777" {
		t.Errorf("by %+v", by)
	}
}

func TestWhatIsClaimedIsBounded(t *testing.T) {
	w := newWorld(t)
	for header, field := range map[string]string{headerClaimed: "claimed", headerReason: "reason", headerRequestID: "request_id"} {
		r := w.ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read"}`, header, strings.Repeat("x", 501))
		if r.status != 400 || !strings.Contains(r.body, `"message":"`+field+": must have at most ") {
			t.Errorf("%s: %d %s", header, r.status, r.body)
		}
		if strings.Contains(w.log.String(), strings.Repeat("x", 501)) {
			t.Errorf("%s: an unbounded value is in the log", header)
		}
	}
}

func TestTimeOnTheWire(t *testing.T) {
	for _, wire := range []string{"null", `"2026-01-02T03:04:05.678Z"`, `"2026-01-02T03:04:05.000Z"`} {
		var v Time
		if err := json.Unmarshal([]byte(wire), &v); err != nil {
			t.Fatal(err)
		}
		if back, err := json.Marshal(v); err != nil || string(back) != wire {
			t.Errorf("%s came back as %s, %v", wire, back, err)
		}
	}
	var v Time
	if err := json.Unmarshal([]byte(`"2026-01-02T05:04:05.678+02:00"`), &v); err != nil {
		t.Fatal(err)
	}
	if back, _ := json.Marshal(v); string(back) != `"2026-01-02T03:04:05.678Z"` {
		t.Errorf("another zone came back as %s", back)
	}
	for _, bad := range []string{`"x"`, `1`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil || !v.IsZero() {
			t.Errorf("%s was read as %v", bad, v)
		}
	}
}
