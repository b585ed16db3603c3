package envoy

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// No request that begins after `keygate keys revoke` has returned is accepted,
// however many are on their way with the same key.
func TestRevokeUnderLoad(t *testing.T) {
	for _, network := range variants {
		t.Run(network, func(t *testing.T) {
			r := startRig(t, network, policy)
			for range 3 {
				r.checkRevoke(t, func(k key) { r.keygate.revoke(t, k.id) })
			}
		})
	}
}

// The same holds for a key that is rotated without an overlap.
func TestRotateWithoutOverlapUnderLoad(t *testing.T) {
	r := startRig(t, "tcp", policy)
	r.checkRevoke(t, func(k key) { r.keygate.run(t, "keys", "rotate", k.id, "--overlap", "0s") })
}

func (r *rig) checkRevoke(t *testing.T, end func(key)) {
	t.Helper()
	k := r.keygate.create(t, "read")
	var accepted, refused atomic.Int64
	var ended atomic.Bool
	load := startLoad(t, 4, func() {
		late := ended.Load() // before the request begins
		got, err := r.send("GET", "/v1/documents/7", bearer(k)...)
		switch {
		case err == nil && got.StatusCode == 200 && !late:
			accepted.Add(1)
		case err == nil && got.StatusCode == 401:
			refused.Add(1)
		default:
			t.Errorf("began after the command returned: %t; got %d %v", late, got.StatusCode, err)
		}
	})
	waitFor(t, "accepted requests", func() bool { return accepted.Load() > 50 })
	end(k)
	ended.Store(true)
	from := refused.Load()
	waitFor(t, "refused requests", func() bool { return refused.Load() > from+200 })
	load.stop()
}

// A stream that was let through outlives the revoke of its key, and
// max_stream_duration, as we ship it but for the time, ends it.
func TestOpenStreamOutlivesRevokeUntilMaxStreamDuration(t *testing.T) {
	shorten := swap("max_stream_duration: 900s", "max_stream_duration: 3s")
	r := startRig(t, "tcp", policy, uncomment("max_stream_duration: 900s"), shorten)
	k := r.keygate.create(t, "read")
	next := r.holdStream()

	stream := r.openStream(t, k)
	defer stream.Body.Close()
	expectLine(t, stream, next, "before the revoke")
	r.keygate.revoke(t, k.id)
	if got := r.do(t, "GET", "/v1/documents/7", bearer(k)...); got.StatusCode != 401 {
		t.Fatalf("the revoked key gave %d", got.StatusCode)
	}
	expectLine(t, stream, next, "after the revoke")

	if _, err := stream.Body.Read(make([]byte, 1)); err == nil {
		t.Error("the stream went on with nothing sent")
	}
	line := r.logged(t, stream.Header.Get("X-Request-Id"))
	if line.Details != "max_duration_timeout" || line.KeyID != k.id {
		t.Errorf("access log: %+v", line)
	}
}

// holdStream makes the upstream answer /v1/hold with the lines that are sent to
// it, for as long as Envoy lets it.
func (r *rig) holdStream() chan<- string {
	lines := make(chan string)
	r.upstream.lock.Lock()
	defer r.upstream.lock.Unlock()
	r.upstream.hold = func(w http.ResponseWriter, q *http.Request) {
		w.(http.Flusher).Flush()
		for {
			select {
			case line := <-lines:
				fmt.Fprintln(w, line)
				w.(http.Flusher).Flush()
			case <-q.Context().Done():
				return
			}
		}
	}
	return lines
}

// openStream asks for the stream. The upstream sends its headers at once.
func (r *rig) openStream(t *testing.T, k key) *http.Response {
	t.Helper()
	request, err := http.NewRequest("GET", "http://"+r.address+"/v1/hold", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+k.text)
	answer, err := r.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d", answer.StatusCode)
	}
	return answer
}

func expectLine(t *testing.T, stream *http.Response, next chan<- string, line string) {
	t.Helper()
	next <- line
	got := make([]byte, len(line)+1)
	if n, err := stream.Body.Read(got); err != nil || strings.TrimSpace(string(got[:n])) != line {
		t.Fatalf("got %q %v, want %q", got[:n], err, line)
	}
}
