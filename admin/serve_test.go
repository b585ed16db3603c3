package admin

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/antinium/keygate/keystore"
)

func TestSocketIsTheOwnersOnly(t *testing.T) {
	w := newWorld(t)
	info, err := os.Lstat(w.socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if l, err := Listen(w.socket); err == nil {
		l.Close()
		t.Error("took over a living socket")
	}
	w.stop()
	if _, err := os.Lstat(w.socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stayed: %v", err)
	}
}

// blocked is a server with a call that runs until it is released.
func blocked(t *testing.T) (w *world, entered, release chan struct{}) {
	t.Helper()
	w = newWorld(t)
	entered, release = make(chan struct{}), make(chan struct{})
	type none struct{}
	read(w.server, endpoint{id: "block", method: "GET", path: "/v1/block"}, func(context.Context, *none) (health, error) {
		close(entered)
		<-release
		return health{Status: "ok"}, nil
	})
	return w, entered, release
}

// mustVanish waits until a file is gone.
func mustVanish(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", path)
		}
	}
}

func TestStopLetsCallsFinish(t *testing.T) {
	w, entered, release := blocked(t)
	answered := make(chan error, 1)
	go func() {
		_, err := send[health](t.Context(), w.Client, "GET", "/v1/block", nil)
		answered <- err
	}()
	<-entered
	stopped := make(chan struct{})
	go func() { w.stop(); close(stopped) }()
	// The socket goes first, so nobody new comes in; the call is still there.
	mustVanish(t, w.socket)
	select {
	case <-stopped:
		t.Error("stopped with a call in flight")
	default:
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	<-stopped
	if strings.Contains(w.log.String(), "cut off") {
		t.Errorf("log: %s", w.log)
	}
}

func TestStopIsBounded(t *testing.T) {
	w, entered, release := blocked(t)
	w.server.drain = time.Millisecond
	answered := make(chan error, 1)
	go func() {
		_, err := send[health](t.Context(), w.Client, "GET", "/v1/block", nil)
		answered <- err
	}()
	<-entered
	w.stop()
	if err := <-answered; err == nil {
		t.Error("a call was answered that was cut off")
	}
	if !strings.Contains(w.log.String(), "calls were cut off") {
		t.Errorf("log: %s", w.log)
	}
	close(release)
}

func TestServeTellsWhenListeningFails(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("unix", w.socket+"2")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := w.server.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestOnlyTheUnixSocketIsTheOwners: any other connection is nobody's, and one that
// the system does not tell about is said to be so.
func TestOnlyTheUnixSocketIsTheOwners(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := withPeer(t.Context(), a).Value(peerKey{}); got != (peer{}) {
		t.Errorf("a pipe is %v", got)
	}
	conn, err := net.Dial("unix", newWorld(t).socket)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if got := withPeer(t.Context(), conn).Value(peerKey{}); got != (peer{owner: true, actor: "unknown"}) {
		t.Errorf("a closed socket is %v", got)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := NewClient(w.socket)
			defer c.Close()
			for range 5 {
				key, _, err := c.Create(t.Context(), CreateRequest{Name: "a", Permission: "read"})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Revoke(t.Context(), key.ID, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	revoked := 0
	for key, err := range w.List(t.Context(), ListFilter{Status: keystore.Revoked}) {
		if err != nil {
			t.Fatal(err)
		}
		if key.RevokedAt.IsZero() {
			t.Errorf("%+v", key)
		}
		revoked++
	}
	if revoked != 40 {
		t.Errorf("%d revoked keys, want 40", revoked)
	}
}

// TestStoreThatWasClosedFirst is the wrong order at a stop: still no 500.
func TestStoreThatWasClosedFirst(t *testing.T) {
	w := newWorld(t)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(t.Context(), unknownID); !isStatus(err, 503) {
		t.Errorf("got %v", err)
	}
}
