package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/antinium/keygate/keystore"
)

func TestUnreachable(t *testing.T) {
	dir := folder(t)
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	const next = "start one with `keygate serve -c ...` or pass --socket"
	missing, long := filepath.Join(dir, "none.sock"), filepath.Join(dir, strings.Repeat("x", 200))
	for socket, want := range map[string]string{
		missing: "no server at " + missing + ": " + next,
		stale:   "no server at " + stale + " (the socket is there, but nobody listens on it any more): " + next,
		long:    "no server can be at " + long + ": the path is too long for a socket; pass --socket",
	} {
		c := NewClient(socket)
		_, _, err := c.Create(t.Context(), CreateRequest{Name: "a", Permission: "read"})
		var unreachable *UnreachableError
		if !errors.As(err, &unreachable) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		c.Close()
	}
}

func TestUnreachableForWantOfPermissionOrRoom(t *testing.T) {
	// As root nothing is refused, so the system's word is put in by hand.
	dir := folder(t)
	file := filepath.Join(dir, "s.sock")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := &UnreachableError{Socket: file, Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}}
	want := fmt.Sprintf("no permission to use %s: run as the user that owns it (uid %d), or pass --socket", file, os.Getuid())
	if err.Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %q, want %q", err, want)
	}
	busy := &UnreachableError{Socket: file, Err: os.NewSyscallError("connect", syscall.EAGAIN)}
	if want := "the server at " + file + " takes no more calls just now: try again"; busy.Error() != want {
		t.Errorf("got %q, want %q", busy, want)
	}
	err.Socket = filepath.Join(dir, "hidden", "s.sock")
	if got := err.Error(); !strings.Contains(got, "run as the user that owns it, or") {
		t.Errorf("got %q", got)
	}
}

// calls are all calls of the client, by whether they change something.
func calls(ctx context.Context, c *Client) (changes, reads map[string]error) {
	last := func(_ any, err error) error { return err }
	_, _, created := c.Create(ctx, CreateRequest{Name: "a", Permission: "read"})
	changes = map[string]error{
		"create": created,
		"rename": last(c.Rename(ctx, unknownID, "b")),
		"revoke": last(c.Revoke(ctx, unknownID, false)),
		"rotate": last(c.Rotate(ctx, unknownID, RotateRequest{})),
		"reload": last(c.Reload(ctx)),
	}
	var listed error
	for _, err := range c.List(ctx, ListFilter{}) {
		listed = err
	}
	return changes, map[string]error{
		"get":     last(c.Get(ctx, unknownID)),
		"find":    last(c.Find(ctx, keystore.NewSecret("x"))),
		"explain": last(c.Explain(ctx, ExplainRequest{})),
		"health":  c.Health(ctx, false),
		"list":    listed,
	}
}

// mustTellLoss checks that a lost answer is told for changes, and only for them.
func mustTellLoss(t *testing.T, changes, reads map[string]error) {
	t.Helper()
	var lost *AnswerLostError
	for name, err := range changes {
		if !errors.As(err, &lost) || !strings.Contains(err.Error(), "the answer was lost") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "reload" && !strings.Contains(err.Error(), "look with `keygate keys list`") {
			t.Errorf("%s does not say where to look: %v", name, err)
		}
	}
	for name, err := range reads {
		if err == nil || errors.As(err, &lost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLostAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"none":        "",
		"half a head": "HTTP/1.1 200 OK\r\nConte",
		"half a body": "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"success\":true,",
	} {
		t.Run(name, func(t *testing.T) {
			c := impostor(t, func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				conn, _, err := rw.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, answer)
				conn.Close()
			})
			changes, reads := calls(t.Context(), c)
			mustTellLoss(t, changes, reads)
		})
	}
}

func TestCallGivenUpAfterItWasSentIsLost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := impostor(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does net/http see that the client has gone
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Revoke(ctx, unknownID, false)
	var lost *AnswerLostError
	if !errors.As(err, &lost) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCallGivenUpBeforeItWasSentIsNotLost(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	changes, _ := calls(ctx, w.Client)
	for name, err := range changes {
		var lost *AnswerLostError
		if errors.As(err, &lost) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if records, _, _ := w.store.List(keystore.Filter{}, "", 1); len(records) != 0 {
		t.Error("a key was made")
	}
}
