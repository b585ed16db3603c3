package envoy

import (
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unavailable reports whether r is the answer for "keygate could not be asked".
func (r reply) unavailable() bool {
	return r.StatusCode == 503 && r.body == unavailableBody && r.Header.Get("Retry-After") == "1"
}

// With keygate gone, every answer is the 503 envelope and the upstream sees
// nothing; once it is back, all is as before, on the same store.
func TestKeygateKilledAndBack(t *testing.T) {
	for _, network := range variants {
		t.Run(network, func(t *testing.T) {
			r := startRig(t, network, policy)
			k := r.keygate.create(t, "read")
			r.keygate.kill()
			for _, header := range [][]string{nil, bearer(k)} {
				for _, target := range []string{"/v1/documents/7", "/healthz"} {
					r.checkUnavailable(t, target, header)
				}
			}
			r.keygate.serve(t)
			waitFor(t, "Envoy to find keygate again", func() bool {
				return r.do(t, "GET", "/v1/documents/7", bearer(k)...).StatusCode == 200
			})
		})
	}
}

func (r *rig) checkUnavailable(t *testing.T, target string, header []string) {
	t.Helper()
	probe, marked := mark()
	got := r.do(t, "GET", target, append(marked, header...)...)
	if got.StatusCode != 503 || got.body != unavailableBody {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "1"}
	if diff := cmp.Diff(want, got.chosenHeaders(t)); diff != "" {
		t.Error("headers of the answer:", diff)
	}
	if _, reached := r.upstream.probe(probe); reached {
		t.Error("the request reached the upstream")
	}
	if line := r.logged(t, got.requestID()); line.Details != "ext_authz_error" || line.Flags != "UAEX" || line.Reason != "" {
		t.Errorf("access log: %+v", line)
	}
}

// A keygate that hangs is as good as none: Envoy's 0.25 s run out.
func TestKeygateHangs(t *testing.T) {
	r := startRigInTime(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	r.keygate.signal(t, syscall.SIGSTOP)
	r.checkUnavailable(t, "/v1/documents/7", bearer(k))
	r.keygate.signal(t, syscall.SIGCONT)
	waitFor(t, "keygate to answer again", func() bool {
		return r.do(t, "GET", "/v1/documents/7", bearer(k)...).StatusCode == 200
	})
}

// Killed under load, keygate takes every request with it that it had not let
// through: what the upstream saw is what was answered by it.
func TestKeygateKilledUnderLoad(t *testing.T) {
	r := startRig(t, "tcp", policy)
	k := r.keygate.create(t, "read")
	var before, after, other atomic.Int64
	var killed atomic.Bool
	load := startLoad(t, 4, func() {
		gone := killed.Load() // before the request begins
		got, err := r.send("GET", "/v1/documents/7", bearer(k)...)
		switch {
		case err == nil && got.StatusCode == 200 && !gone:
			before.Add(1)
		case err == nil && got.unavailable():
			after.Add(1)
		default:
			other.Add(1)
			t.Errorf("killed %t: %v %d %s", gone, err, got.StatusCode, got.body)
		}
	})
	waitFor(t, "load", func() bool { return before.Load() > 100 })
	r.keygate.kill()
	killed.Store(true)
	waitFor(t, "refusals", func() bool { return after.Load() > 100 })
	load.stop()
	if got := int64(len(r.upstream.requests())); got != before.Load() {
		t.Errorf("%d requests reached the upstream, %d were answered by it", got, before.Load())
	}
}
