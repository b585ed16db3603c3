package envoy

import (
	"strings"
	"testing"
)

// spelling is a request target and what becomes of it with a read key.
type spelling struct {
	target string
	status int
	by     string // reason in the access log; "" when Envoy refused it before asking
	sees   string // target at the upstream; "" when it must not get there
}

const (
	docs      = "/v1/documents/7"
	docsSeen  = "/anything/v1/documents/7"
	workspace = "/v1/workspace/members" // a read key may not
	tooLow    = "insufficient_permission"
	ambiguous = "ambiguous_path"
)

// spellings: whatever has two readings is refused, by Envoy or by keygate; the
// rest reaches the upstream in the one spelling that was decided on.
var spellings = []spelling{
	{docs, 200, "allowed", docsSeen},
	{docs + "/", 200, "allowed", docsSeen + "/"},
	{docs + "?a=/../../workspace;%2F..", 200, "allowed", docsSeen + "?a=/../../workspace;%2F.."},
	{"/v1/documents/a%20b", 200, "allowed", "/anything/v1/documents/a%20b"},
	{"/v1/documents/caf%C3%A9", 200, "allowed", "/anything/v1/documents/caf%C3%A9"},
	{"/v1/documents/100%25", 200, "allowed", "/anything/v1/documents/100%25"},
	{"/v1/documents.bak/7", 200, "allowed", "/anything/v1/documents.bak/7"},
	{"/v1/WORKSPACE/members", 200, "allowed", "/anything/v1/WORKSPACE/members"},
	{"/v1x/documents/7", 401, tooLow, ""},
	{workspace, 401, tooLow, ""},
	{workspace + "/", 401, tooLow, ""},
	{workspace + "?/v1/documents/7", 401, tooLow, ""},

	{"//v1/documents/7", 200, "allowed", docsSeen},
	{"/v1//documents///7", 200, "allowed", docsSeen},
	{"//v1/workspace/members", 401, tooLow, ""},
	{"/v1//workspace//members", 401, tooLow, ""},
	{"/healthz//../v1/workspace/members", 401, tooLow, ""},

	{"/v1/x/../documents/7", 200, "allowed", docsSeen},
	{"/v1/documents/./7", 200, "allowed", docsSeen},
	{"/v1/documents/../workspace/members", 401, tooLow, ""},
	{"/v1/documents/../../v1/workspace/members", 401, tooLow, ""},
	{"/../v1/workspace/members", 401, tooLow, ""},
	{"/v1/documents/%2e%2e/workspace/members", 401, tooLow, ""},
	{"/v1/documents/%2E./workspace/members", 401, tooLow, ""},
	{"/v1/workspac%65/members", 401, tooLow, ""},
	{"/%76%31/workspace/members", 401, tooLow, ""},

	{"/v1/documents/..%2Fworkspace/members", 400, "", ""},
	{"/v1/documents/..%2fworkspace/members", 400, "", ""},
	{"/v1%2Fworkspace/members", 400, "", ""},
	{"/v1/documents/..%5Cworkspace", 400, "", ""},
	{"/v1/documents/..%5cworkspace", 400, "", ""},
	{`/v1\workspace\members`, 401, tooLow, ""},
	{`/v1/documents/..\workspace\members`, 401, tooLow, ""},
	{`/v1/documents\7`, 200, "allowed", docsSeen},

	{"/v1/documents/..;/workspace/members", 401, tooLow, ""}, // Envoy reads it as ..
	{"/v1/documents/..;x=1/workspace/members", 401, tooLow, ""},
	{"/v1/workspace;/members", 400, ambiguous, ""},
	{"/v1/workspace;x=1/members", 400, ambiguous, ""},
	{"/v1/workspace%3B/members", 400, ambiguous, ""},
	{"/v1/workspace%3f/members", 400, ambiguous, ""},
	{"/v1/workspace%23/members", 400, ambiguous, ""},
	{"/v1/workspace%0A/members", 400, ambiguous, ""},
	{"/v1/workspace%7F/members", 400, ambiguous, ""},
	{"/v1/workspace%00/members", 400, "", ""},
	{"/v1/documents/%252e%252e/workspace", 400, ambiguous, ""},
	{"/v1/documents/%25%32%65%25%32%65/workspace", 400, ambiguous, ""},
	{"/v1/documents/%252F", 400, ambiguous, ""},
	{"/v1/documents/%c0%ae%c0%ae/workspace", 400, ambiguous, ""},
	{"/v1/documents/%c0%af", 400, ambiguous, ""},
	{"/v1/documents/%zz", 400, ambiguous, ""},
	{"/v1/documents/%", 400, ambiguous, ""},
	{"/v1/documents/%4", 400, ambiguous, ""},
	{"/v1/documents/" + strings.Repeat("a", 9000), 400, ambiguous, ""},

	{"/v1/documents/7#/../../workspace", 400, "", ""},
}

// onlyHTTP1 are forms of a target that HTTP/2 does not have.
var onlyHTTP1 = []spelling{
	{"http://elsewhere.example/v1/documents/7", 200, "allowed", docsSeen},
	{"http://elsewhere.example/v1/workspace/members", 401, tooLow, ""},
	{"http://elsewhere.example//v1/workspace/members", 401, tooLow, ""},
	{"http://elsewhere.example/v1/documents/..;/workspace", 401, tooLow, ""},
	{"http://elsewhere.example/v1/documents/a;b", 400, ambiguous, ""},
	{"v1/documents/7", 400, "", ""},
	{"*", 400, "", ""},
	{"", 400, "", ""},
	{"/v1/documents/\x80", 400, "", ""},
	{"/v1/documents/\x7f", 400, "", ""},
	{"?/v1/documents/7", 400, "", ""},
	{"/v1/documents/a b", 400, "", ""},
	{"/v1/documents/a\tb", 400, "", ""},
}

// onlyHTTP2 are what HTTP/1 ends a target at, and the forms above where HTTP/2
// takes them for a path. Envoy ends the stream over most of them.
var onlyHTTP2 = []spelling{
	{"/v1/documents/\x80", 400, ambiguous, ""}, // Envoy escapes it
	{"/v1/documents/\x7f", 0, "", ""},
	{"/v1/documents/a b", 0, "", ""},
	{"/v1/documents/a\tb", 0, "", ""},
	{"/v1/documents/a\nb", 0, "", ""},
	{"v1/documents/7", 0, "", ""},
	{"*", 0, "", ""},
	{"", 0, "", ""},
	{"http://elsewhere.example/v1/workspace/members", 0, "", ""},
}

func TestPathSpellings(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	t.Run("HTTP1", func(t *testing.T) {
		for _, s := range append(spellings, onlyHTTP1...) {
			r.checkSpelling(t, r.http1, "GET", k, s)
		}
	})
	t.Run("HTTP2", func(t *testing.T) {
		for _, s := range append(spellings, onlyHTTP2...) {
			r.checkSpelling(t, r.http2, "GET", k, s)
		}
	})
}

// sender is http1 or http2 of a proxy.
type sender func(t *testing.T, method, target string, header ...string) rawReply

func (r *rig) checkSpelling(t *testing.T, send sender, method string, k key, want spelling) {
	t.Helper()
	value, _ := mark()
	answer := send(t, method, want.target, "x-probe", value, "authorization", "Bearer "+k.text)
	got := spelling{target: want.target, status: answer.status}
	if answer.requestID != "" {
		got.by = r.logged(t, answer.requestID).Reason
	}
	s, _ := r.upstream.probe(value)
	got.sees = s.target
	if got != want {
		t.Errorf("%s %.80q: got %d by %q, the upstream saw %q\nwant %d by %q, %q",
			method, want.target, got.status, got.by, got.sees, want.status, want.by, want.sees)
	}
}

// methodSpellings with a read key: what Envoy's HTTP/1 makes of them, and its
// HTTP/2, which leaves every method to keygate but CONNECT.
var methodSpellings = []struct {
	method       string
	http1, http2 spelling
}{
	{"GET", spelling{docs, 200, "allowed", docsSeen}, spelling{docs, 200, "allowed", docsSeen}},
	{"DELETE", spelling{docs, 401, tooLow, ""}, spelling{docs, 401, tooLow, ""}},
	{"PURGE", spelling{docs, 401, tooLow, ""}, spelling{docs, 401, tooLow, ""}},
	{"M-SEARCH", spelling{docs, 400, "", ""}, spelling{docs, 401, tooLow, ""}},
	{"get", spelling{docs, 400, "", ""}, spelling{docs, 400, "bad_method", ""}},
	{"Get", spelling{docs, 400, "", ""}, spelling{docs, 400, "bad_method", ""}},
	{"GET_", spelling{docs, 400, "", ""}, spelling{docs, 400, "bad_method", ""}},
	{strings.Repeat("A", 33), spelling{docs, 400, "", ""}, spelling{docs, 400, "bad_method", ""}},
	{"CONNECT", spelling{docs, 400, "", ""}, spelling{docs, 0, "", ""}},
}

func TestMethodSpellings(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	for _, s := range methodSpellings {
		r.checkSpelling(t, r.http1, s.method, k, s.http1)
		r.checkSpelling(t, r.http2, s.method, k, s.http2)
	}
}
