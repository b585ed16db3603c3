package observe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestProbes(t *testing.T) {
	var ready atomic.Bool
	p := NewProbes(newTestMetrics(), func() error {
		if !ready.Load() {
			return errors.New("starting")
		}
		return nil
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string, status int, text string) {
		t.Helper()
		resp, err := client.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || !strings.Contains(string(body), text) {
			t.Errorf("%s: %d %q, want %d with %q", path, resp.StatusCode, body, status, text)
		}
	}
	get("/livez", 200, "ok")
	get("/readyz", 503, "starting")
	ready.Store(true)
	get("/readyz", 200, "ok")
	get("/metrics", 200, "keygate_checks_total")
	get("/", 404, "")
	get("/debug/pprof/", 404, "")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
