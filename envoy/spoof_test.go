package envoy

import (
	"strings"
	"testing"
)

// spoofs are what a client may send to be taken for someone else.
var spoofs = map[string][]string{
	"once":               {"x-antinium-key-id", "forged"},
	"twice":              {"x-antinium-key-id", "forged", "x-antinium-key-id", "forged again"},
	"mixed case":         {"X-aNTINIUM-Key-ID", "forged", "X-ANTINIUM-PERMISSION", "full"},
	"every name":         {"x-antinium-key-id", "forged", "x-antinium-account", "forged", "x-antinium-workspace", "forged", "x-antinium-permission", "full"},
	"a name not in use":  {"x-antinium-role", "admin", "x-antinium-", "nothing"},
	"empty":              {"x-antinium-permission", ""},
	"named hop by hop":   {"Connection", "x-antinium-key-id, x-antinium-permission", "x-antinium-key-id", "forged"},
	"both spellings":     {"x-antinium-key-id", "forged", "x_antinium_key_id", "forged"},
	"underscores":        {"x_antinium_key_id", "forged", "X_Antinium_Permission", "full"},
	"some underscores":   {"x-antinium-key_id", "forged", "x_antinium-key-id", "forged", "x-antinium_account", "forged"},
	"underscore, no use": {"x-antinium-ro_le", "admin"},
}

// The upstream never sees an identity header that keygate did not set, also when
// Envoy lets names with "_" pass; as shipped it refuses those itself. HTTP/2 has
// no Connection header, and lower case only.
func TestSpoofedIdentityNeverReachesTheUpstream(t *testing.T) {
	for action, passes := range map[string]bool{"REJECT_REQUEST": false, "ALLOW": true} {
		t.Run(action, func(t *testing.T) {
			r := startRig(t, "tcp", policy, swap("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: "+action))
			k := r.keygate.create(t, "read")
			for name, forged := range spoofs {
				t.Run(name, func(t *testing.T) { r.checkSpoof(t, k, forged, passes) })
			}
			r.proxy = r.overHTTP2()
			for name, forged := range spoofs {
				if forged[0] != "Connection" {
					t.Run("HTTP2 "+name, func(t *testing.T) { r.checkSpoof(t, k, forged, passes) })
				}
			}
		})
	}
}

// checkSpoof sends the forged headers with a key, without one where none is
// needed, and in a preflight.
func (r *rig) checkSpoof(t *testing.T, k key, forged []string, underscores bool) {
	t.Helper()
	refused := !underscores && hasUnderscore(forged)
	for _, c := range []struct {
		name, method, target string
		header               []string
		identity             bool
	}{
		{"with a key", "GET", "/v1/documents/7", bearer(k), true},
		{"public", "GET", "/healthz", nil, false},
		{"public with a key", "GET", "/healthz", bearer(k), false},
		{"preflight", "OPTIONS", "/v1/documents/7", []string{"Origin", "https://elsewhere.example", "Access-Control-Request-Method", "GET"}, false},
	} {
		probe, marked := mark()
		got, err := r.send(c.method, c.target, append(append(marked, c.header...), forged...)...)
		s, reached := r.upstream.probe(probe)
		switch {
		case refused: // in HTTP/2 by ending the stream
			if reached || err == nil && got.StatusCode != 400 {
				t.Errorf("%s: got %v, want Envoy to refuse names with an underscore", c.name, got.Response)
			}
		case !reached:
			t.Errorf("%s: got %v %v, want it to pass", c.name, got.Response, err)
		case c.identity:
			checkIdentity(t, s, k, "read", "default", "default")
		case len(s.identity()) > 0 || s.header["Authorization"] != nil:
			t.Errorf("%s: the upstream saw %v", c.name, s.header)
		}
	}
}

func hasUnderscore(header []string) bool {
	for i := 0; i < len(header); i += 2 {
		if strings.Contains(header[i], "_") {
			return true
		}
	}
	return false
}

// What could make the upstream read another method or path than was decided on,
// or see the credential, goes no further than Envoy.
func TestOverridesAndCredentialAreStripped(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	overrides := []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url"}
	for _, target := range []string{"/v1/documents/7", "/healthz"} {
		probe, marked := mark()
		header := append(marked, bearer(k)...)
		for _, name := range overrides {
			header = append(header, name, "DELETE", strings.ToLower(name), "/v1/workspace")
		}
		r.do(t, "GET", target, header...)
		s, reached := r.upstream.probe(probe)
		if !reached {
			t.Fatalf("%s was refused", target)
		}
		for _, name := range append(overrides, "Authorization") {
			if s.header[name] != nil {
				t.Errorf("%s reached the upstream: %s: %q", target, name, s.header[name])
			}
		}
	}
}

// The same headers never change a decision either.
func TestOverridesDecideNothing(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	for _, name := range []string{"X-Http-Method-Override", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Uri",
		"X-Forwarded-Method", "X-Forwarded-Path", "X-Envoy-Original-Path", "X-Original-Method"} {
		for _, value := range []string{"GET", "/healthz", "/v1/documents/7"} {
			got := r.do(t, "POST", "/v1/workspace/members", append(bearer(k), name, value)...)
			if line := r.logged(t, got.requestID()); got.StatusCode != 401 || line.Path != "/v1/workspace/members" {
				t.Errorf("%s: %s gave %d, logged as %+v", name, value, got.StatusCode, line)
			}
		}
	}
}

// The options that hand these headers on do so through the same Envoy.
func TestForwardingOptions(t *testing.T) {
	r := startRig(t, "tcp", strings.Replace(policy, "realm: api", "realm: api, forward_credential: true, forward_overrides: true", 1))
	k := r.keygate.create(t, "read")
	probe, marked := mark()
	r.do(t, "GET", "/v1/documents/7", append(append(marked, bearer(k)...), "X-Original-Url", "/x")...)
	s, _ := r.upstream.probe(probe)
	if s.header.Get("Authorization") != "Bearer "+k.text || s.header.Get("X-Original-Url") != "/x" {
		t.Errorf("the upstream saw %v", s.header)
	}
}

// A client's word on its address, on the request's id and on what Envoy should do
// counts for nothing, from wherever it calls.
func TestEnvoyBelievesNoClient(t *testing.T) {
	r := startRig(t, "tcp", policy)
	for _, forwarded := range [][]string{nil, {"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "10.0.0.9"}} {
		probe, marked := mark()
		header := append(append(marked, forwarded...), "X-Request-Id", "mine", "X-Envoy-Internal", "true",
			"X-Envoy-Upstream-Rq-Timeout-Ms", "1", "X-Envoy-Original-Path", "/forged", "X-Envoy-Retry-On", "5xx")
		got := r.do(t, "GET", "/v1/../healthz", header...)
		line := r.logged(t, got.requestID())
		if got.requestID() == "mine" || line.Client != "127.0.0.1" || line.Path != "/healthz" {
			t.Errorf("request id %q, access log %+v", got.requestID(), line)
		}
		s, _ := r.upstream.probe(probe)
		for _, name := range []string{"X-Envoy-Internal", "X-Envoy-Upstream-Rq-Timeout-Ms", "X-Envoy-Original-Path", "X-Envoy-Retry-On"} {
			if s.header[name] != nil {
				t.Errorf("the upstream saw %s: %s", name, s.header[name])
			}
		}
	}
}
