package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/antinium/keygate/keystore"
)

const noScope = "expected string to be 1-63 characters of A-Z a-z 0-9 . _ - that begin with a letter or digit"

const unknownID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// TestBadRequests is the table of what callers get wrong, with the exact answer.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	key, _ := mustCreate(t, w, "a")
	create := func(body string) [3]string { return [3]string{"POST", "/v1/keys", body} }
	for _, row := range []struct {
		ask     [3]string
		status  int
		code    string
		message string
	}{
		// the body as a whole
		{create(``), 400, "BAD_REQUEST", "body: is required"},
		{create(`{`), 400, "BAD_REQUEST", "body: is not valid JSON (at byte 1)"},
		{create(`{"name":"a","permission":"read"} {}`), 400, "BAD_REQUEST", "body: is not valid JSON (at byte 34)"},
		{create(strings.Repeat("[", 20000)), 400, "BAD_REQUEST", "body: is not valid JSON (at byte 10001)"},
		{create(`null`), 400, "BAD_REQUEST", "body: expected object"},
		{create(`[]`), 400, "BAD_REQUEST", "body: expected object"},
		{create(`"x"`), 400, "BAD_REQUEST", "body: expected object"},
		{create("{\"name\":\"\xff\",\"permission\":\"read\"}"), 400, "BAD_REQUEST", "body: is not valid UTF-8"},
		// fields
		{create(`{"permission":"read"}`), 400, "BAD_REQUEST", "name: is required"},
		{create(`{}`), 400, "BAD_REQUEST", "name: is required; permission: is required"},
		{create(`{"name":"a","permission":"read","colour":"red"}`), 400, "BAD_REQUEST", "colour: unknown field"},
		{create(`{"name":"a","permission":"read","b":1,"a":2}`), 400, "BAD_REQUEST", "a: unknown field; b: unknown field"},
		{create(`{"Name":"a","permission":"read"}`), 400, "BAD_REQUEST", "Name: unknown field; name: is required"},
		{create(`{"name":"a","name":"b","permission":"read"}`), 400, "BAD_REQUEST", "body: name is given twice"},
		{create(`{"name":"a","permission":"read","` + strings.Repeat("x", 53) + `":1}`), 400, "BAD_REQUEST", "(a field with an odd name): unknown field"},
		{create(`{"name":7,"permission":"read"}`), 400, "BAD_REQUEST", "name: expected string"},
		{create(`{"name":null,"permission":"read"}`), 400, "BAD_REQUEST", "body: name must not be null; leave it out"},
		{create(`{"name":"a","permission":"read","expires":null}`), 400, "BAD_REQUEST", "body: expires must not be null; leave it out"},
		{create(`{"name":"a","permission":"read","labels":{"a":"1","b":"2","a":"3"}}`), 400, "BAD_REQUEST", "body: a is given twice"},
		{create(`{"name":"a","permission":"read","labels":[[{"a":1},{"a":{"b":[],"b":2}}]]}`), 400, "BAD_REQUEST", "body: b is given twice"},
		{create(`{"name":1e999,"permission":"read"}`), 400, "BAD_REQUEST", "body: holds a value of the wrong type"},
		{create(`{"name":"a","permission":"read","labels":{"a":null}}`), 400, "BAD_REQUEST", "labels.a: expected string"},
		{create(`{"name":{},"permission":["read"]}`), 400, "BAD_REQUEST",
			"name: expected string; permission: expected string"},
		{create(`{"name":"a","permission":"admin"}`), 400, "BAD_REQUEST", `permission: expected value to be one of "read, write, full, operator"`},
		{create(`{"name":"a","permission":""}`), 400, "BAD_REQUEST", `permission: expected value to be one of "read, write, full, operator"`},
		{create(`{"name":"  ","permission":"read"}`), 400, "BAD_REQUEST", "name: must not be empty"},
		{create(`{"name":"a\u0007","permission":"read"}`), 400, "BAD_REQUEST", "name: must hold printable characters only"},
		{create(`{"name":"a","permission":"read","expires":30}`), 400, "BAD_REQUEST", "expires: expected string"},
		{create(`{"name":"a","permission":"read","expires":"1ms"}`), 400, "BAD_REQUEST", "expires: 1ms is too soon; the shortest lifetime is 1s"},
		{[3]string{"PATCH", "/v1/keys/" + key.ID, `{}`}, 400, "BAD_REQUEST", "body: names nothing to change: name, expires, enabled, permission or labels"},
		{[3]string{"PATCH", "/v1/keys/" + key.ID, `{"permission":"operator"}`}, 400, "BAD_REQUEST", `permission: expected value to be one of "read, write, full"`},
		{[3]string{"POST", "/v1/keys/revoke", `{"dry_run":true}`}, 400, "BAD_REQUEST", "account: give an account, a workspace or created_before: all keys at once cannot be meant"},
		{[3]string{"POST", "/v1/keys/" + key.ID + "/revoke", `{"really":true}`}, 400, "BAD_REQUEST", "really: unknown field"},
		{[3]string{"POST", "/v1/keys/" + key.ID + "/rotate", `{"overlap":"x"}`}, 400, "BAD_REQUEST", `overlap: "x" is not a duration such as "90m", "30d" or "2w"`},
		{[3]string{"POST", "/v1/keys/find", `{}`}, 400, "BAD_REQUEST", "key: is required"},
		{[3]string{"POST", "/v1/keys/revoke", `{"account":"acme","workspace":""}`}, 400, "BAD_REQUEST", "workspace: " + noScope},
		{[3]string{"POST", "/v1/keys/revoke", `{"account":"","created_before":"2026-01-01T00:00:00Z"}`}, 400, "BAD_REQUEST", "account: " + noScope},
		{[3]string{"POST", "/v1/keys/revoke", `{"account":"a b"}`}, 400, "BAD_REQUEST", "account: " + noScope},
		{create(`{"name":"a","permission":"operator","account":""}`), 400, "BAD_REQUEST", "account: " + noScope},
		{[3]string{"POST", "/v1/explain", `{"path":"/"}`}, 400, "BAD_REQUEST", "method: is required"},
		{[3]string{"POST", "/v1/reload", `{"x":1}`}, 400, "BAD_REQUEST", "x: unknown field"},
		// queries
		{[3]string{"GET", "/v1/keys?limit=many", ""}, 400, "BAD_REQUEST", "limit: invalid integer"},
		{[3]string{"GET", "/v1/keys?limit=0", ""}, 400, "BAD_REQUEST", "limit: expected number >= 1"},
		{[3]string{"GET", "/v1/keys?limit=501", ""}, 400, "BAD_REQUEST", "limit: expected number <= 500"},
		{[3]string{"GET", "/v1/keys?status=dead", ""}, 400, "BAD_REQUEST", `status: expected value to be one of "active, retiring, disabled, expired, revoked"`},
		{[3]string{"GET", "/v1/keys?stauts=active", ""}, 400, "BAD_REQUEST", "stauts: unknown query parameter"},
		{[3]string{"GET", "/v1/keys?status=%zz", ""}, 400, "BAD_REQUEST", "query: cannot be read; check its % escapes"},
		{[3]string{"GET", "/v1/keys?status=active;limit=1", ""}, 400, "BAD_REQUEST", "query: cannot be read; check its % escapes"},
		{[3]string{"GET", "/v1/keys?status=active&status=revoked", ""}, 400, "BAD_REQUEST", "status: given more than once"},
		{[3]string{"GET", "/v1/keys?workspace=", ""}, 400, "BAD_REQUEST", "workspace: is empty; leave it out"},
		{[3]string{"GET", "/v1/audit?key=ant_x", ""}, 400, "BAD_REQUEST", "key: expected string to be the id of a key"},
		{[3]string{"GET", "/v1/audit?account", ""}, 400, "BAD_REQUEST", "account: is empty; leave it out"},
		{[3]string{"GET", "/v1/keys?account=a%20b", ""}, 400, "BAD_REQUEST", "account: " + noScope},
		{[3]string{"GET", "/v1/keys?cursor=x", ""}, 400, "BAD_REQUEST", "cursor: is not one that a list returned"},
		{[3]string{"GET", "/v1/health?ready=perhaps", ""}, 400, "BAD_REQUEST", "ready: invalid boolean"},
		// routes
		{[3]string{"GET", "/", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "/v1/nope", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "/v1/keys/", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "//v1/keys", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"POST", "/v1/x/../keys", `{}`}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "/openapi.yaml", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "/docs", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"GET", "/schemas/Key.json", ""}, 404, "NOT_FOUND", "no such route"},
		{[3]string{"PUT", "/v1/keys", ""}, 405, "METHOD_NOT_ALLOWED", "this route takes GET, HEAD, POST"},
		{[3]string{"DELETE", "/v1/keys/" + key.ID, ""}, 405, "METHOD_NOT_ALLOWED", "this route takes GET, HEAD, PATCH"},
		{[3]string{"GET", "/v1/keys/" + key.ID + "/revoke", ""}, 405, "METHOD_NOT_ALLOWED", "this route takes POST"},
		// keys
		{[3]string{"GET", "/v1/keys/" + unknownID, ""}, 404, "NOT_FOUND", "no key " + unknownID + "; `keygate keys list` shows them"},
		{[3]string{"PATCH", "/v1/keys/" + unknownID, `{"name":"b"}`}, 404, "NOT_FOUND", "no key " + unknownID + "; `keygate keys list` shows them"},
		{[3]string{"POST", "/v1/keys/" + unknownID + "/revoke", ""}, 404, "NOT_FOUND", "no key " + unknownID + "; `keygate keys list` shows them"},
		{[3]string{"POST", "/v1/keys/" + unknownID + "/rotate", ""}, 404, "NOT_FOUND", "no key " + unknownID + "; `keygate keys list` shows them"},
		{[3]string{"GET", "/v1/keys/a%2Fb", ""}, 404, "NOT_FOUND", "no key with that id; `keygate keys list` shows them"},
		// what this server was not given
		{[3]string{"POST", "/v1/explain", `{"method":"GET","path":"/"}`}, 503, "UNAVAILABLE", "this server cannot explain decisions"},
		{[3]string{"POST", "/v1/reload", ""}, 503, "UNAVAILABLE", "this server has no configuration file to read again"},
	} {
		t.Run(fmt.Sprintf("%s %s %.60s", row.ask[0], row.ask[1], row.ask[2]), func(t *testing.T) {
			w.ask(t, row.ask[0], row.ask[1], row.ask[2]).mustBe(t, row.status, refused(row.code, row.message))
		})
	}
}

// TestMessagesThatQuote pins the answers whose wording the keystore owns.
func TestMessagesThatQuote(t *testing.T) {
	w := newWorld(t)
	for body, field := range map[string]string{
		`{"name":"a","permission":"read","expires":""}`:                   "expires: ",
		`{"name":"a","permission":"read","expires":"2001-01-01"}`:         "expires: ",
		`{"name":"a","permission":"read","expires":"200000d"}`:            "expires: ",
		`{"name":"a","permission":"read","account":"a b"}`:                "account: ",
		`{"name":"a","permission":"read","workspace":"-"}`:                "workspace: ",
		`{"name":"` + strings.Repeat("ä", 101) + `","permission":"read"}`: "name: ",
	} {
		r := w.ask(t, "POST", "/v1/keys", body)
		if r.status != 400 || !strings.HasPrefix(r.body, `{"success":false,"error":{"code":"BAD_REQUEST","message":"`+field) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if records, _, err := w.store.List(keystore.Filter{}, "", 1); err != nil || len(records) != 0 {
		t.Errorf("a refused create left %d keys, %v", len(records), err)
	}
}

func TestSchemaFieldIsUnknown(t *testing.T) {
	r := newWorld(t).ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read","$schema":"x"}`)
	if want := refused("BAD_REQUEST", "$schema: unknown field"); r.status != 400 || r.body != want {
		t.Errorf("got %d %s", r.status, r.body)
	}
}

func TestMethodNotAllowedNamesTheOthers(t *testing.T) {
	r := newWorld(t).ask(t, "PUT", "/v1/keys", "")
	if got := r.header.Values("Allow"); len(got) != 1 || got[0] != "GET, HEAD, POST" {
		t.Errorf("allow %q", got)
	}
}

func TestOptionsAsteriskIsAnUnknownRoute(t *testing.T) {
	w := newWorld(t)
	c, err := net.Dial("unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer := make([]byte, 4096)
	n, _ := c.Read(answer)
	if got := string(answer[:n]); !strings.HasPrefix(got, "HTTP/1.1 404") || !strings.HasSuffix(got, refused("NOT_FOUND", "no such route")) {
		t.Errorf("got %s", got)
	}
}

func TestContentTypes(t *testing.T) {
	w := newWorld(t)
	const body = `{"name":"a","permission":"read"}`
	for _, good := range []string{"", "application/json", "APPLICATION/JSON", "application/json; charset=utf-8"} {
		if r := w.ask(t, "POST", "/v1/keys", body, "Content-Type", good); r.status != 201 {
			t.Errorf("%q: %d %s", good, r.status, r.body)
		}
	}
	for _, bad := range []string{"text/plain", "application/x-www-form-urlencoded", "application/vnd.x+json", "multipart/form-data; boundary=x", "json", ";", "a+b;c"} {
		w.ask(t, "POST", "/v1/keys", body, "Content-Type", bad).
			mustBe(t, 400, refused("BAD_REQUEST", "body: send it with content-type: application/json"))
	}
	for _, accept := range []string{"text/html", "application/cbor", "*/*", "application/problem+json", "json"} {
		r := w.ask(t, "GET", "/v1/keys/x", "", "Accept", accept)
		r.mustBe(t, 404, refused("NOT_FOUND", "no key with that id; `keygate keys list` shows them"))
	}
}

func TestBodySize(t *testing.T) {
	w := newWorld(t)
	body := func(size int) string {
		const frame = `{"name":"","permission":"read"}`
		return `{"name":"` + strings.Repeat(" ", size-len(frame)) + `","permission":"read"}`
	}
	w.ask(t, "POST", "/v1/keys", body(int(jsonBody.limit))).mustBe(t, 400, refused("BAD_REQUEST", "name: must not be empty"))
	tooLarge := refused("PAYLOAD_TOO_LARGE", "the body is larger than 1048576 bytes")
	w.ask(t, "POST", "/v1/keys", body(int(jsonBody.limit)+1)).mustBe(t, 413, tooLarge)
	w.ask(t, "POST", "/v1/keys", body(8*int(jsonBody.limit))).mustBe(t, 413, tooLarge)
	w.ask(t, "GET", "/v1/keys", body(2*int(jsonBody.limit))).mustBe(t, 413, tooLarge)
}

func TestBodyWithoutLengthIsBoundedToo(t *testing.T) {
	w := newWorld(t)
	body := struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 4*int(jsonBody.limit)))} // hides its length
	req, err := http.NewRequest("POST", "http://keygate/v1/keys", struct{ readOnly }{readOnly{body}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

type readOnly struct {
	r interface{ Read([]byte) (int, error) }
}

func (r readOnly) Read(b []byte) (int, error) { return r.r.Read(b) }

// TestEveryErrorClass sends each kind of error through the adapter, on a route
// that changes and on one that does not.
func TestEveryErrorClass(t *testing.T) {
	const cause = "the cause, for the log only"
	w := newWorld(t)
	var next error
	type none struct{}
	read(w.server, endpoint{id: "probe", method: "GET", path: "/v1/probe"}, func(context.Context, *none) (int, error) { return 1, next })
	change(w.server, endpoint{id: "change", method: "POST", path: "/v1/probe"},
		func(context.Context, *none) (int, error) { return 1, next })
	const look = ". The change may have been made: look with `keygate keys list`"
	for _, row := range []struct {
		err        error
		status     int
		code       string
		message    string
		ifAChange  string // what a change adds
		keepsCause bool   // the log has what the answer has not
	}{
		{&keystore.InvalidError{Field: "name", Problem: "is odd"}, 400, "BAD_REQUEST", "name: is odd", "", false},
		{&keystore.NotFoundError{ID: unknownID}, 404, "NOT_FOUND", "no key " + unknownID + "; `keygate keys list` shows them", "", false},
		{&keystore.RefusedError{ID: unknownID, Problem: "is revoked"}, 409, "CONFLICT", "key " + unknownID + " is revoked", "", false},
		{fmt.Errorf("%s: %w", cause, syscall.ENOSPC), 507, "INSUFFICIENT_STORAGE", "the disk is full; nothing was changed; checks go on", "", false},
		{keystore.ErrClosed, 503, "UNAVAILABLE", "the keystore is closed", "", false},
		{fmt.Errorf("%s: %w", cause, keystore.ErrCorruptRecord), 500, "INTERNAL",
			"the stored record of this key is damaged, and the key is denied; replace it by a new one", "", true},
		{errors.New(cause), 500, "INTERNAL", "something went wrong on the server; its log says what", look, true},
	} {
		t.Run(row.code, func(t *testing.T) {
			next = row.err
			before := strings.Count(w.log.String(), cause)
			w.ask(t, "GET", "/v1/probe", "").mustBe(t, row.status, refused(row.code, row.message))
			w.ask(t, "POST", "/v1/probe", "").mustBe(t, row.status, refused(row.code, row.message+row.ifAChange))
			if n := strings.Count(w.log.String(), cause) - before; row.keepsCause && n != 2 {
				t.Errorf("the log tells the cause %d times, want once for each call: %s", n, w.log)
			}
		})
	}
}

func TestEveryStatusHasItsCode(t *testing.T) {
	for status := 100; status < 600; status++ {
		f := newFailure(status, "x")
		if codes[f.status] == "" || f.Err.Code != codes[f.status] {
			t.Errorf("%d became %d %q", status, f.status, f.Err.Code)
		}
		if status >= 400 && status < 500 && f.status >= 500 {
			t.Errorf("%d, the caller's fault, became %d", status, f.status)
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	const secret = "ant_this-must-not-be-logged"
	w := newWorld(t)
	type none struct{}
	boom := func(value any) func(context.Context, *none) (int, error) {
		return func(context.Context, *none) (int, error) { panic(value) }
	}
	read(w.server, endpoint{id: "boom", method: "GET", path: "/v1/boom"}, boom(errors.New(secret)))
	read(w.server, endpoint{id: "nil", method: "GET", path: "/v1/nil"}, func(context.Context, *none) (int, error) {
		var p *int
		return *p, nil
	})
	for _, path := range []string{"/v1/boom", "/v1/nil", "/v1/boom"} {
		w.ask(t, "GET", path, "").mustBe(t, 500, refused("INTERNAL", internalMessage))
	}
	if err := w.Health(t.Context(), false); err != nil {
		t.Errorf("the server did not live on: %v", err)
	}
	log := w.log.String()
	if strings.Contains(log, secret) || !strings.Contains(log, "nil pointer dereference") || !strings.Contains(log, "refusals_test.go") {
		t.Errorf("log: %s", log)
	}
}

func TestPanicInAnAnswerCutsIt(t *testing.T) {
	w := newWorld(t)
	w.server.mux.HandleFunc("GET /v1/half", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`{"success":true,`))
		panic("half way")
	})
	resp, err := w.Client.http.Get("http://keygate/v1/half")
	if err == nil {
		defer resp.Body.Close()
		if _, err = resp.Body.Read(make([]byte, 100)); err == nil {
			_, err = resp.Body.Read(make([]byte, 100))
		}
	}
	if err == nil || err.Error() == "EOF" {
		t.Errorf("a cut answer looked whole: %v", err)
	}
}
