package envoy

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	unauthorizedBody = `{"success":false,"error":{"code":"UNAUTHORIZED","message":"Invalid or missing API key"}}`
	unavailableBody  = `{"success":false,"error":{"code":"UNAVAILABLE","message":"The service is temporarily unavailable"}}`
)

// variants are the two ways from Envoy to keygate that we ship.
var variants = []string{"tcp", "unix"}

// A request with a good key reaches the upstream with the key's identity, without
// the key, and on the path that the route gives it.
func TestAllowed(t *testing.T) {
	for _, network := range variants {
		t.Run(network, func(t *testing.T) {
			r := startRig(t, network, policy)
			k := r.keygate.create(t, "write", "--account", "acme", "--workspace", "docs")
			probe, marked := mark()
			got := r.do(t, "POST", "/v1/documents/7?q=1", append(marked, bearer(k)...)...)
			if got.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", got.StatusCode, got.body)
			}
			s, _ := r.upstream.probe(probe)
			if s.method != "POST" || s.target != "/anything/v1/documents/7?q=1" {
				t.Errorf("the upstream saw %s %s", s.method, s.target)
			}
			checkIdentity(t, s, k, "write", "acme", "docs")
			line := r.logged(t, got.requestID())
			line.Time, line.Client, line.Details = "", "", ""
			want := logLine{RequestID: got.requestID(), KeyID: k.id, Reason: "allowed", Rule: "/v1/documents/**", Method: "POST",
				Path: "/v1/documents/7", Status: 200, Flags: "-", Upstream: strings.TrimPrefix(r.upstream.URL, "http://")}
			if diff := cmp.Diff(want, line); diff != "" {
				t.Error("access log:", diff)
			}
			if s.header.Get("X-Request-Id") != got.requestID() {
				t.Errorf("request id %q at the upstream, %q in the response", s.header.Get("X-Request-Id"), got.requestID())
			}
		})
	}
}

// checkIdentity holds what the upstream saw to exactly what keygate owes it.
func checkIdentity(t *testing.T, s seen, k key, permission, account, workspace string) {
	t.Helper()
	want := map[string][]string{
		"x-antinium-key-id":     {k.id},
		"x-antinium-permission": {permission},
		"x-antinium-account":    {account},
		"x-antinium-workspace":  {workspace},
	}
	if diff := cmp.Diff(want, s.identity()); diff != "" {
		t.Error("identity at the upstream:", diff)
	}
	if values := s.header["Authorization"]; values != nil {
		t.Error("the credential reached the upstream")
	}
}

// denial is a request that is refused, and all that there is to see of it.
type denial struct {
	name, method, target string
	header               []string
	status               int
	challenge, body      string // challenge: after `Bearer realm="api"`; "none" for no header
	reason, rule, keyID  string // in the access log
}

// Each reason for a denial gives exactly its status, headers and body, is told to
// the operator in the access log, and keeps the request from the upstream.
func TestDenied(t *testing.T) {
	for _, network := range variants {
		t.Run(network, func(t *testing.T) {
			r := startRig(t, network, policy)
			denials := append(r.keyDenials(t), ambiguousPaths...)
			for _, d := range denials {
				t.Run(d.name, func(t *testing.T) { r.checkDenial(t, d) })
			}
			r.proxy = r.overHTTP2()
			for _, d := range append(denials, badMethods...) {
				t.Run("HTTP2 "+d.name, func(t *testing.T) { r.checkDenial(t, d) })
			}
		})
	}
}

var ambiguousPaths = []denial{
	{"ambiguous path", "GET", "/v1/documents/a;b", nil, 400, "none",
		`{"success":false,"error":{"code":"BAD_REQUEST","message":"Ambiguous request path"}}`, "ambiguous_path", "", ""},
	{"double encoding", "GET", "/v1/documents/%252e%252e", nil, 400, "none",
		`{"success":false,"error":{"code":"BAD_REQUEST","message":"Ambiguous request path"}}`, "ambiguous_path", "", ""},
}

// badMethods come through in HTTP/2 only: Envoy's HTTP/1 refuses them itself.
var badMethods = []denial{
	{"bad method", "get", "/v1/documents/7", nil, 400, "none",
		`{"success":false,"error":{"code":"BAD_REQUEST","message":"Unsupported method"}}`, "bad_method", "", ""},
}

// keyDenials has a row for every reason that turns on the credential or the rule.
func (r *rig) keyDenials(t *testing.T) []denial {
	read, full := r.keygate.create(t, "read"), r.keygate.create(t, "full")
	revoked, expired, corrupt := r.keygate.create(t, "full"), r.keygate.create(t, "full", "--expires", "1s"), r.keygate.create(t, "full")
	r.keygate.revoke(t, revoked.id)
	r.corrupt(t, corrupt)
	r.awaitReason(t, expired, "expired")
	unknown := key{text: "ant_" + strings.Repeat("0", 49)}

	const invalid, scope = `, error="invalid_token"`, `, error="insufficient_scope"`
	row := func(name, method, target string, header []string, challenge, reason, rule, keyID string) denial {
		return denial{name, method, target, header, 401, challenge, unauthorizedBody, reason, rule, keyID}
	}
	docs, rule := "/v1/documents/7", "/v1/documents/**"
	auth := func(value string) []string { return []string{"Authorization", value} }
	return []denial{
		row("no credential", "GET", docs, nil, "", "no_credential", rule, ""),
		row("no credential, no rule", "GET", "/elsewhere", nil, "", "no_credential", "default", ""),
		row("another scheme", "GET", docs, auth("Basic dTpw"), "", "no_credential", rule, ""),
		row("key without a scheme", "GET", docs, auth(full.text), "", "no_credential", rule, ""),
		row("key in another header", "GET", docs, []string{"X-Api-Key", full.text}, "", "no_credential", rule, ""),
		row("key in the query", "GET", docs+"?access_token="+full.text, nil, "", "no_credential", rule, ""),
		row("key in a cookie", "GET", docs, []string{"Cookie", "authorization=" + full.text}, "", "no_credential", rule, ""),
		row("no token", "GET", docs, auth("Bearer"), invalid, "malformed_credential", rule, ""),
		row("two tokens", "GET", docs, auth("Bearer "+full.text+" "+full.text), invalid, "malformed_credential", rule, ""),
		row("two tokens with a comma", "GET", docs, auth("Bearer "+full.text+",Bearer "+full.text), invalid, "malformed_credential", rule, ""),
		row("the header twice", "GET", docs, append(auth("Bearer "+full.text), bearer(full)...), invalid, "malformed_credential", rule, ""),
		row("the header twice, one Basic", "GET", docs, append(auth("Basic dTpw"), bearer(full)...), invalid, "malformed_credential", rule, ""),
		row("a token too long", "GET", docs, auth("Bearer "+strings.Repeat("a", 513)), invalid, "malformed_credential", rule, ""),
		row("unknown key", "GET", docs, bearer(unknown), invalid, "unknown_key", rule, ""),
		row("cut key", "GET", docs, bearer(key{text: full.text[:40]}), invalid, "unknown_key", rule, ""),
		row("revoked key", "GET", docs, bearer(revoked), invalid, "revoked", rule, revoked.id),
		row("expired key", "GET", docs, bearer(expired), invalid, "expired", rule, expired.id),
		row("damaged record", "GET", docs, bearer(corrupt), invalid, "corrupt_record", rule, ""),
		row("rule says deny", "GET", "/v1/closed/7", bearer(full), scope, "no_rule", "/v1/closed/**", full.id),
		row("too low for the rule", "POST", docs, bearer(read), scope+`, scope="write"`, "insufficient_permission", rule, read.id),
		row("too low for the default", "GET", "/elsewhere", bearer(read), scope+`, scope="full"`, "insufficient_permission", "default", read.id),
	}
}

func (r *rig) checkDenial(t *testing.T, d denial) {
	probe, marked := mark()
	got := r.do(t, d.method, d.target, append(marked, d.header...)...)
	if got.StatusCode != d.status || got.body != d.body {
		t.Errorf("got %d %s\nwant %d %s", got.StatusCode, got.body, d.status, d.body)
	}
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}
	if d.challenge != "none" {
		want["Www-Authenticate"] = `Bearer realm="api"` + d.challenge
	}
	if diff := cmp.Diff(want, got.chosenHeaders(t)); diff != "" {
		t.Error("headers of the answer:", diff)
	}
	if s, reached := r.upstream.probe(probe); reached {
		t.Error("a refused request reached the upstream:", s)
	}
	line := r.logged(t, got.requestID())
	if line.Reason != d.reason || line.Rule != d.rule || line.KeyID != d.keyID || line.Status != d.status {
		t.Errorf("access log: %+v", line)
	}
}

// chosenHeaders are those that keygate decides on; every answer has the others.
func (r reply) chosenHeaders(t *testing.T) map[string]string {
	t.Helper()
	chosen := map[string]string{}
	for name := range maps.Keys(r.Header) {
		chosen[name] = strings.Join(r.Header[name], " AND ")
	}
	for _, everywhere := range []string{"Date", "Server", "Content-Length", "X-Request-Id"} {
		if chosen[everywhere] == "" {
			t.Errorf("the answer has no %s", everywhere)
		}
		delete(chosen, everywhere)
	}
	return chosen
}

// awaitReason asks until k is refused for the reason.
func (r *rig) awaitReason(t *testing.T, k key, reason string) {
	t.Helper()
	waitFor(t, reason, func() bool {
		got := r.do(t, "GET", "/v1/documents/7", bearer(k)...)
		return got.StatusCode == 401 && r.logged(t, got.requestID()).Reason == reason
	})
}

// corrupt changes one letter of the record's name in the database file, while
// keygate is stopped.
func (r *rig) corrupt(t *testing.T, k key) {
	t.Helper()
	r.keygate.run(t, "keys", "rename", k.id, "letter-for-letter")
	r.keygate.kill()
	file := filepath.Join(r.keygate.dir, "keys.db")
	pages, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.ReplaceAll(pages, []byte("letter-for-letter"), []byte("letter-for-lettEr"))
	if slices.Equal(pages, damaged) {
		t.Fatal("the name is not in the file")
	}
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	r.keygate.serve(t)
}

// responses.insufficient_permission: 403 changes that one denial and no other.
func TestDeniedWith403(t *testing.T) {
	r := startRig(t, "tcp", strings.Replace(policy, "realm: api", "realm: api, insufficient_permission: 403", 1))
	read := r.keygate.create(t, "read")
	for _, d := range []denial{
		{"too low", "POST", "/v1/documents/7", bearer(read), 403, `, error="insufficient_scope", scope="write"`,
			`{"success":false,"error":{"code":"FORBIDDEN","message":"Insufficient permissions"}}`, "insufficient_permission", "/v1/documents/**", read.id},
		{"no key", "POST", "/v1/documents/7", nil, 401, "", unauthorizedBody, "no_credential", "/v1/documents/**", ""},
	} {
		t.Run(d.name, func(t *testing.T) { r.checkDenial(t, d) })
	}
}
