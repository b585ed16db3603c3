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
	"github.com/antinium/keygate/usage"
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

// misplace puts a key's text wherever the later calls take any.
func misplace(try func(method, target, body string, headers ...string), id, text string) {
	const create = `{"name":"b","permission":"read"}`
	for _, query := range []string{"label", "name", "last4", "expiring", "unused", "permission", "newest", "workspace"} {
		try("GET", "/v1/keys?"+query+"="+text, "")
		try("GET", "/v1/keys?"+query+"=a%3D"+text, "")
	}
	for _, query := range []string{"key", "account", "workspace", "since", "cursor", "limit", "newest"} {
		try("GET", "/v1/audit?"+query+"="+text, "")
	}
	try("GET", "/v1/audit/verify?head="+text, "")
	try("GET", "/v1/audit/verify?head=1-"+text, "")
	try("GET", "/v1/export?cursor="+text, "")
	try("GET", "/v1/keys/"+text+"/usage", "")
	try("GET", "/v1/keys/"+id+"/usage", "")
	try("POST", "/v1/keys", create, headerOnce, text)
	try("POST", "/v1/keys/"+id+"/rotate", "", headerOnce, text)
	try("PATCH", "/v1/keys/"+id, `{"name":"b"}`, headerMatch, text)
	try("PATCH", "/v1/keys/"+id, `{"name":"b"}`, headerMatch, `"`+text+`"`)
	try("POST", "/v1/keys", create, headerClaimed, text, headerClaimed, text)
	for _, labels := range []string{`{"` + text + `":"a"}`, `{"a":"` + text + `"}`, `{"id":"` + text + `"}`} {
		try("POST", "/v1/keys", `{"name":"b","permission":"read","if_absent":true,"labels":`+labels+`}`)
		try("PATCH", "/v1/keys/"+id, `{"labels":`+labels+`}`)
	}
	for _, field := range []string{"name", "expires", "permission", "enabled"} {
		try("PATCH", "/v1/keys/"+id, `{"`+field+`":"`+text+`"}`)
	}
	try("POST", "/v1/keys/"+id+"/rotate", `{"retire_when_unused":"`+text+`"}`)
	for _, field := range []string{"account", "workspace", "created_before", text} {
		try("POST", "/v1/keys/revoke", `{"`+field+`":"`+text+`"}`)
		try("POST", "/v1/keys/revoke", `{"dry_run":true,"`+field+`":"`+text+`"}`)
		try("POST", "/v1/console-links", `{"account":"a","`+field+`":"`+text+`"}`)
		try("POST", "/v1/console-links", `{"`+field+`":"`+text+`"}`)
	}
	try("POST", "/v1/imports", `{"dry_run":"`+text+`"}`)
	try("POST", "/v1/imports/"+text+"/lines", text)
	try("POST", "/v1/imports/"+text+"/finish", "")
	try("DELETE", "/v1/imports/"+text, "")
	try("POST", "/v1/self/revoke", `{"`+text+`":1}`)
}

// TestKeyTextAppearsOnce puts a key's text wherever a caller can put text, and
// then looks through every byte that the server has answered, logged and stored.
func TestKeyTextAppearsOnce(t *testing.T) {
	recorder, err := usage.Open(usage.Options{Path: filepath.Join(t.TempDir(), "usage.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	w := newWorld(t, func(o *Options) {
		o.Usage = recorder
		o.ConsoleLink = func(p Principal) (ConsoleLink, error) {
			return ConsoleLink{URL: "https://x/" + p.Account + "/" + p.Workspace}, nil
		}
	})
	w.unlimited()
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
	try := func(method, target, body string, headers ...string) {
		r := w.ask(t, method, target, body, headers...)
		fmt.Fprintln(&answers, r.status, r.header, r.body)
		if r.status >= 500 {
			t.Errorf("%s %s: %d", method, target, r.status)
		}
	}
	for _, text := range []string{text, fresh} {
		try("GET", "/v1/keys/"+text, "")
		try("PATCH", "/v1/keys/"+text, `{"name":"b"}`)
		try("POST", "/v1/keys/"+text+"/revoke", "")
		try("POST", "/v1/keys/"+text+"/rotate", "")
		try("GET", "/v1/"+text, "")
		try("GET", "/v1/keys?cursor="+text, "")
		try("GET", "/v1/keys?account="+text, "")
		try("GET", "/v1/keys?status="+text, "")
		try("GET", "/v1/keys?limit="+text, "")
		try("GET", "/v1/keys?"+text+"=1", "")
		try("GET", "/v1/keys?"+text+"=1&"+text+"=2", "")
		try("GET", "/v1/health?ready="+text, "")
		try("POST", "/v1/keys", create, headerReason, "leaked: "+text)
		try("POST", "/v1/keys", create, headerClaimed, text)
		try("POST", "/v1/keys", create, headerRequestID, text)
		try("POST", "/v1/keys", create, "Content-Type", text)
		try("POST", "/v1/keys", text)
		try("POST", "/v1/keys", `"`+text+`"`)
		for _, name := range []string{"name", "permission", "account", "workspace", "expires", text} {
			try("POST", "/v1/keys", `{"name":"b","permission":"read","`+name+`":"`+text+`"}`) // most are doubles
			try("POST", "/v1/keys", strings.Replace(create, `"name":"b"`, `"name":"b","`+name+`":"`+text+`"`, 1))
		}
		try("POST", "/v1/keys", `{"name":"`+text+`","permission":"read"}`)
		try("POST", "/v1/keys", `{"name":"b","permission":"`+text+`"}`)
		try("POST", "/v1/keys", `{"name":"b","permission":"read","expires":"`+text+`"}`)
		try("POST", "/v1/keys", `{"name":"b","permission":"read","account":"`+text+`!"}`)
		try("PATCH", "/v1/keys/"+id, `{"name":"`+text+`"}`)
		try("POST", "/v1/keys/"+id+"/rotate", `{"overlap":"`+text+`"}`)
		try("POST", "/v1/keys/"+id+"/rotate", `{"expires":"`+text+`"}`)
		try("POST", "/v1/keys/find", `{"key":"`+text+`"}`)
		try("POST", "/v1/keys/find", `{"key":"`+text+`x"}`)
		try(http.MethodGet, "/v1/keys", "")
		misplace(try, id, text)
	}
	// A key from elsewhere comes in clear, and is kept nowhere.
	const foreign = "elsewhere_Qx7Rk2VbN9tLwZ4mJc8sHf3pYd"
	path := "/v1/imports/" + field(t, w.ask(t, "POST", "/v1/imports", `{"dry_run":true}`), "id")
	for _, name := range append(keystore.ImportFields(), foreign) {
		try("POST", path+"/lines", `{"name":"c","permission":"read","`+name+`":"`+foreign+`"}`)
		try("POST", path+"/lines", `{"key":"`+foreign+`","name":"c","permission":"read","`+name+`":"`+foreign+`"}`)
	}
	try("POST", path+"/lines?first_line="+foreign, foreign)
	try("DELETE", path, "")
	path = "/v1/imports/" + field(t, w.ask(t, "POST", "/v1/imports", ""), "id")
	try("POST", path+"/lines", `{"key":"`+foreign+`","name":"c","permission":"read","labels":{"a":"b"}}`)
	try("POST", path+"/finish", "")
	if r, err := w.store.Lookup(foreign); err != nil || r.Name != "c" {
		t.Errorf("the imported key: %+v, %v", r, err)
	}
	try("GET", "/v1/export", "")
	try("GET", "/v1/audit", "")
	for _, text := range []string{text, fresh, foreign, foreign + "x"} {
		c := w.remote(t, text)
		for _, target := range []string{"/v1/whoami", "/v1/keys", "/v1/nothing", "/v1/keys/" + text, "/v1/audit?key=" + text} {
			r := ask(t, c, "GET", target, "")
			fmt.Fprintln(&answers, r.status, r.header, r.body)
		}
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
		for _, text := range []string{text, fresh, foreign} {
			// The middle finds a text that was cut at either end, too.
			if at := strings.Index(content, text[10:34]); at >= 0 {
				t.Errorf("%s hold the key's text: %s", place, content[max(0, at-200):min(len(content), at+100)])
			}
		}
	}
}
