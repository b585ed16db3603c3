package usage

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// children are what this test binary does when a test starts it again as a
// process of its own, by the word in $USAGE_TEST_CHILD.
var children = map[string]func(path string) error{
	"count":    childCounts,
	"full":     childFillsFile,
	"tmpfs":    childFillsDisk,
	"tight":    childLeavesRoom,
	"hold":     childHolds,
	"unread":   childMayNotRead,
	"readonly": childReadsOnly,
}

func TestMain(m *testing.M) {
	if run := children[os.Getenv("USAGE_TEST_CHILD")]; run != nil {
		if err := run(os.Getenv("USAGE_TEST_PATH")); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is this test binary, ready to be started as another process.
func child(t testing.TB, word, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "USAGE_TEST_CHILD="+word, "USAGE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// lines starts a child and hands over its output, a line at a time. The channel
// is closed at its end; a last line that a kill cut short is left out.
func lines(t testing.TB, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ch := make(chan string, 1<<16)
	go func() {
		defer close(ch)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			ch <- strings.TrimSuffix(line, "\n")
		}
	}()
	return ch
}

// nextLine waits for a line of a child, within a bound.
func nextLine(t testing.TB, ch <-chan string) string {
	t.Helper()
	select {
	case line, ok := <-ch:
		if !ok {
			t.Fatal("the child ended")
		}
		return line
	case <-time.After(time.Minute):
		t.Fatal("the child says nothing")
	}
	return ""
}

// within fails the test if fn hangs.
func within(t testing.TB, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		stacks := make([]byte, 1<<16)
		t.Fatalf("%s hangs\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// until waits for a condition, within a bound.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	bound := time.After(time.Minute)
	for again := time.NewTicker(time.Millisecond); ; {
		select {
		case <-bound:
			t.Fatalf("%s does not come", what)
		case <-again.C:
			if holds() {
				again.Stop()
				return
			}
		}
	}
}

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logText is a log that a test reads.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logText) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "usage.db") }

// mustOpen opens a recorder that is closed at the end of the test, and whose file
// must then be sound.
func mustOpen(t testing.TB, o Options) *Recorder {
	t.Helper()
	r := mustOpenAny(t, o)
	t.Cleanup(func() {
		within(t, "close", func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		mustBeSound(t, o.Path)
	})
	return r
}

// mustOpenAny opens a recorder that the caller closes.
func mustOpenAny(t testing.TB, o Options) *Recorder {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var r *Recorder
	var err error
	within(t, "open", func() { r, err = Open(o) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustBeSound(t testing.TB, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkPages(f, info.Size(), keySet{all: true}); err != nil {
		t.Error(err)
	}
}

func mustFlush(t testing.TB, r *Recorder) {
	t.Helper()
	var err error
	within(t, "flush", func() { err = r.Flush(context.Background()) })
	if err != nil {
		t.Fatal(err)
	}
}

func mustClose(t testing.TB, r *Recorder) {
	t.Helper()
	var err error
	within(t, "close", func() { err = r.Close() })
	if err != nil {
		t.Fatal(err)
	}
}

func mustOf(t testing.TB, r *Recorder, id string) Usage {
	t.Helper()
	u, err := r.Of(id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantAllowed checks how often a key was allowed.
func wantAllowed(t testing.TB, r *Recorder, id string, want uint64) {
	t.Helper()
	if got := mustOf(t, r, id).Allowed; got != want {
		t.Errorf("key %s: %d allowed, want %d", id, got, want)
	}
}

// keyID makes an id of the shape that keys have, which sorts by n.
func keyID(n int) string { return fmt.Sprintf("01JQ%022d", n) }

func allowed(id string) Event { return Event{KeyID: id, Reason: "allowed", Allowed: true} }

func allowedAt(id string, at time.Time) Event {
	return Event{KeyID: id, Reason: "allowed", Allowed: true, At: at}
}
