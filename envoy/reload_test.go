package envoy

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// Two policies that differ in everything a decision shows: the rule, what it
// requires, the realm, and the status of a key that is too low.
const (
	openPolicy = `
responses: { realm: open }
routes: { "/v1/documents/**": { GET: read } }
default: full
`
	closedPolicy = `
responses: { realm: closed, insufficient_permission: 403 }
routes: { "/v1/documents/{id}": { GET: full } }
default: deny
`
)

// seenDecision is what shows of a decision, at the client and in the access log.
func (r *rig) seenDecision(got reply) string {
	return fmt.Sprintf("%d %s", got.StatusCode, got.Header.Get("Www-Authenticate"))
}

// While the file is swapped and reloaded under load, each request is decided by
// one policy as a whole; one that begins after `keygate reload` returned, by the
// new one.
func TestReloadUnderLoad(t *testing.T) {
	r := startRig(t, "tcp", openPolicy)
	k := r.keygate.create(t, "read")
	policies := map[string]string{openPolicy: "200 ", closedPolicy: `403 Bearer realm="closed", error="insufficient_scope", scope="full"`}
	var decisions [2]atomic.Int64
	startLoad(t, 4, func() {
		got, err := r.send("GET", "/v1/documents/7", bearer(k)...)
		switch {
		case err == nil && r.seenDecision(got) == policies[openPolicy]:
			decisions[0].Add(1)
		case err == nil && r.seenDecision(got) == policies[closedPolicy]:
			decisions[1].Add(1)
		default:
			t.Errorf("decided by no policy as a whole: %s %v", r.seenDecision(got), err)
		}
	})
	for range 8 {
		for _, next := range []string{closedPolicy, openPolicy} {
			r.keygate.setPolicy(t, next)
			r.keygate.run(t, "reload")
			if got := r.seenDecision(r.do(t, "GET", "/v1/documents/7", bearer(k)...)); got != policies[next] {
				t.Fatalf("after the reload: %s, want %s", got, policies[next])
			}
		}
	}
	if decisions[0].Load() == 0 || decisions[1].Load() == 0 {
		t.Error("the load saw one policy only")
	}
}

// A file that cannot be read leaves the policy in force, whatever is wrong with it.
func TestReloadOfABadFileChangesNothing(t *testing.T) {
	r := startRig(t, "tcp", openPolicy)
	k := r.keygate.create(t, "read")
	for _, bad := range []string{"routes: [", strings.Replace(openPolicy, "GET: read", "GET: everyone", 1),
		openPolicy + "expect: { GET /v1/documents/7: full }\n"} {
		r.keygate.setPolicy(t, bad)
		if _, err := r.keygate.try("reload"); err == nil {
			t.Errorf("reload accepted %q", bad)
		}
		if got := r.do(t, "GET", "/v1/documents/7", bearer(k)...); got.StatusCode != 200 {
			t.Errorf("after %q: %s", bad, r.seenDecision(got))
		}
	}
}
