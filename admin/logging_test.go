package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

// logged are the lines about changes, without time.
func (w *world) logged(t *testing.T) []map[string]string {
	t.Helper()
	var found []map[string]string
	for _, line := range w.log.lines() {
		var attrs map[string]string
		if err := json.Unmarshal([]byte(line), &attrs); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.HasPrefix(attrs["msg"], "key change") {
			if head, err := keystore.ParseAuditHead(attrs["audit_head"]); (err == nil && (head.Seq > 0 || attrs["action"] == "begin-import")) != (attrs["msg"] == "key changed") {
				t.Errorf("audit head %q, %v in %s", attrs["audit_head"], err, line)
			}
			delete(attrs, "time")
			delete(attrs, "audit_head")
			found = append(found, attrs)
		}
	}
	return found
}

func TestOneLinePerChange(t *testing.T) {
	w := newWorld(t)
	w.Actor, w.Reason, w.RequestID = "ada", "spring cleaning", "req-1"
	key, _ := mustCreate(t, w, "a")
	_, _ = w.Rename(t.Context(), key.ID, "b")
	rotated, err := w.Rotate(t.Context(), key.ID, RotateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Revoke(t.Context(), key.ID, false)
	_, _ = w.Rename(t.Context(), key.ID, "c")                                // refused
	_, _ = w.Rename(t.Context(), unknownID, "c")                             // unknown
	_, _ = w.Rotate(t.Context(), key.ID, RotateRequest{Overlap: ptr("31d")}) // invalid
	_, _ = w.Get(t.Context(), key.ID)                                        // no change
	_, _ = w.Get(t.Context(), unknownID)

	line := func(action, id string, more ...string) map[string]string {
		l := map[string]string{
			"level": "INFO", "msg": "key changed", "action": action, "key_id": id, "actor": fmt.Sprintf("uid:%d", os.Getuid()), "address": "",
			"claimed": "ada", "reason": "spring cleaning", "request_id": "req-1",
		}
		for i := 0; i+1 < len(more); i += 2 {
			l[more[i]] = more[i+1]
		}
		return l
	}
	failed := func(action, id, err string) map[string]string {
		return line(action, id, "level", "WARN", "msg", "key change failed", "error", err)
	}
	want := []map[string]string{
		line("create", key.ID, "from", "", "to", `"a" read default/default`),
		line("rename", key.ID, "from", "a", "to", "b"),
		line("rotate", key.ID, "from", key.ID, "to", rotated.New.ID),
		line("revoke", key.ID, "from", "retiring", "to", "revoked"),
		failed("rename", key.ID, "key "+key.ID+" is revoked and cannot be renamed"),
		failed("rename", unknownID, "no key "+unknownID+"; `keygate keys list` shows them"),
		failed("rotate", key.ID, "overlap: 744h0m0s is not between 0 and 30 days"),
	}
	if diff := cmp.Diff(want, w.logged(t)); diff != "" {
		t.Error(diff)
	}
}

func ptr[T any](v T) *T { return &v }

// TestKeyTextAppearsOnce puts a key's text wherever a caller can put text, and
// then looks through every byte that the server has answered, logged and stored.
func TestKeyTextAppearsOnce(t *testing.T) {
	w := newWorld(t)
	made := w.ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read"}`)
	id, text := field(t, made, "id"), field(t, made, "key")
	rotated := w.ask(t, "POST", "/v1/keys/"+id+"/rotate", "{}")
	var pair struct{ Data rotatedKeys }
	if err := json.Unmarshal([]byte(rotated.body), &pair); err != nil {
		t.Fatal(err)
	}
	fresh := string(pair.Data.New.Text)
	for text, answer := range map[string]string{text: made.body, fresh: rotated.body} {
		if n := strings.Count(answer, text); n != 1 || len(text) != 53 {
			t.Errorf("the answer shows the text of %d characters %d times", len(text), n)
		}
	}

	const create = `{"name":"b","permission":"read"}`
	var answers strings.Builder
	ask := func(method, target, body string, headers ...string) {
		r := w.ask(t, method, target, body, headers...)
		fmt.Fprintln(&answers, r.status, r.header, r.body)
		if r.status >= 500 {
			t.Errorf("%s %s: %d", method, target, r.status)
		}
	}
	for _, text := range []string{text, fresh} {
		ask("GET", "/v1/keys/"+text, "")
		ask("PATCH", "/v1/keys/"+text, `{"name":"b"}`)
		ask("POST", "/v1/keys/"+text+"/revoke", "")
		ask("POST", "/v1/keys/"+text+"/rotate", "")
		ask("GET", "/v1/"+text, "")
		ask("GET", "/v1/keys?cursor="+text, "")
		ask("GET", "/v1/keys?account="+text, "")
		ask("GET", "/v1/keys?status="+text, "")
		ask("GET", "/v1/keys?limit="+text, "")
		ask("GET", "/v1/keys?"+text+"=1", "")
		ask("GET", "/v1/keys?"+text+"=1&"+text+"=2", "")
		ask("GET", "/v1/health?ready="+text, "")
		ask("POST", "/v1/keys", create, headerReason, "leaked: "+text)
		ask("POST", "/v1/keys", create, headerClaimed, text)
		ask("POST", "/v1/keys", create, headerRequestID, text)
		ask("POST", "/v1/keys", create, "Content-Type", text)
		ask("POST", "/v1/keys", text)
		ask("POST", "/v1/keys", `"`+text+`"`)
		for _, name := range []string{"name", "permission", "account", "workspace", "expires", text} {
			ask("POST", "/v1/keys", `{"name":"b","permission":"read","`+name+`":"`+text+`"}`) // most are doubles
			ask("POST", "/v1/keys", strings.Replace(create, `"name":"b"`, `"name":"b","`+name+`":"`+text+`"`, 1))
		}
		ask("POST", "/v1/keys", `{"name":"`+text+`","permission":"read"}`)
		ask("POST", "/v1/keys", `{"name":"b","permission":"`+text+`"}`)
		ask("POST", "/v1/keys", `{"name":"b","permission":"read","expires":"`+text+`"}`)
		ask("POST", "/v1/keys", `{"name":"b","permission":"read","account":"`+text+`!"}`)
		ask("PATCH", "/v1/keys/"+id, `{"name":"`+text+`"}`)
		ask("POST", "/v1/keys/"+id+"/rotate", `{"overlap":"`+text+`"}`)
		ask("POST", "/v1/keys/"+id+"/rotate", `{"expires":"`+text+`"}`)
		ask("POST", "/v1/keys/find", `{"key":"`+text+`"}`)
		ask("POST", "/v1/keys/find", `{"key":"`+text+`x"}`)
		ask(http.MethodGet, "/v1/keys", "")
	}
	if _, err := w.Revoke(t.Context(), id, false); err != nil {
		t.Fatal(err)
	}
	w.stop()
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile(filepath.Join(filepath.Dir(w.socket), "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	for place, content := range map[string]string{"answers": answers.String(), "log": w.log.String(), "store": string(stored)} {
		for _, text := range []string{text, fresh} {
			// The middle finds a text that was cut at either end, too.
			if at := strings.Index(content, text[10:34]); at >= 0 {
				t.Errorf("%s hold the key's text: %s", place, content[max(0, at-200):min(len(content), at+100)])
			}
		}
	}
}
