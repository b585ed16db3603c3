package envoy

import "testing"

const (
	knownOrigin = "https://console.example.com"
	otherOrigin = "https://elsewhere.example"
)

// A preflight from an origin that the cors filter knows ends there: keygate is
// not asked and the upstream sees nothing.
func TestPreflightOfKnownOriginEndsInEnvoy(t *testing.T) {
	r := startRig(t, "tcp", policy)
	probe, marked := mark()
	got := r.do(t, "OPTIONS", "/v1/documents/7", append(marked, preflight(knownOrigin)...)...)
	if got.StatusCode != 200 || got.Header.Get("Access-Control-Allow-Origin") != knownOrigin {
		t.Errorf("got %d %v", got.StatusCode, got.Header)
	}
	if got.Header.Get("Access-Control-Allow-Headers") != "authorization, content-type" {
		t.Error("a browser may not send the key:", got.Header)
	}
	if _, reached := r.upstream.probe(probe); reached {
		t.Error("the preflight reached the upstream")
	}
	if line := r.logged(t, got.requestID()); line.Reason != "" {
		t.Errorf("keygate was asked: %+v", line)
	}
}

func preflight(origin string) []string {
	return []string{"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
}

// A preflight from any other origin is keygate's: it passes without identity, for
// the upstream to answer.
func TestPreflightOfOtherOriginReachesKeygate(t *testing.T) {
	r := startRig(t, "tcp", policy)
	probe, marked := mark()
	got := r.do(t, "OPTIONS", "/v1/documents/7", append(marked, preflight(otherOrigin)...)...)
	s, reached := r.upstream.probe(probe)
	if !reached || len(s.identity()) > 0 {
		t.Errorf("got %d; the upstream saw %v", got.StatusCode, s)
	}
	if line := r.logged(t, got.requestID()); line.Reason != "preflight" || line.Rule != "/v1/documents/**" {
		t.Errorf("access log: %+v", line)
	}
}

// What only looks like a preflight is an ordinary request and wants a key.
func TestAlmostPreflights(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	for name, header := range map[string][]string{
		"no origin":        {"Access-Control-Request-Method", "POST"},
		"no method":        {"Origin", otherOrigin},
		"two origins":      append(preflight(otherOrigin), "Origin", otherOrigin),
		"two methods":      append(preflight(otherOrigin), "Access-Control-Request-Method", "GET"),
		"with credentials": append(preflight(otherOrigin), bearer(k)...),
	} {
		probe, marked := mark()
		got := r.do(t, "OPTIONS", "/v1/documents/7", append(marked, header...)...)
		if _, reached := r.upstream.probe(probe); got.StatusCode != 401 || reached {
			t.Errorf("%s: status %d, reached the upstream: %t", name, got.StatusCode, reached)
		}
	}
	if got := r.do(t, "OPTIONS", "/v1/closed/7", preflight(otherOrigin)...); got.StatusCode != 401 {
		t.Errorf("on a path that the rules deny: %d", got.StatusCode)
	}
}

// The code of a page may read why it was refused.
func TestBrowserMayReadADenial(t *testing.T) {
	r := startRig(t, "tcp", policy)
	got := r.do(t, "GET", "/v1/documents/7", "Origin", knownOrigin)
	if got.StatusCode != 401 || got.Header.Get("Access-Control-Allow-Origin") != knownOrigin {
		t.Errorf("got %d %v", got.StatusCode, got.Header)
	}
	if got.Header.Get("Access-Control-Expose-Headers") != "www-authenticate, retry-after, x-request-id" {
		t.Error("the page may not read the cause:", got.Header)
	}
}
