package usage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// kills is how often the crash test kills its child.
func kills(t *testing.T) int {
	if n := os.Getenv("USAGE_TEST_KILLS"); n != "" {
		var many int
		if _, err := fmt.Sscan(n, &many); err == nil {
			return many
		}
	}
	if testing.Short() {
		return 10
	}
	return 30
}

const crashKeys = 700

// childCounts counts each key once, flushes, says so after it was done, and so
// on, for ever.
func childCounts(path string) error {
	r, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for n := 1; ; n++ {
		for i := range crashKeys {
			r.Count(allowed(keyID(i)))
		}
		fmt.Println("counted", n)
		if err := r.Flush(context.Background()); err != nil {
			return err
		}
		fmt.Println("flushed", n)
	}
}

// TestKill: kill -9 loses at most what was counted since the last finished flush,
// and makes nothing up.
func TestKill(t *testing.T) {
	path := newPath(t)
	stored := make([]uint64, crashKeys) // by the children before
	flushes := 0
	for range kills(t) {
		cmd := child(t, "count", path)
		out := lines(t, cmd)
		if line := nextLine(t, out); line != "open" {
			t.Fatalf("the child says %q", line)
		}
		<-time.After(time.Duration(rand.Int64N(int64(40 * time.Millisecond))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var counted, flushed uint64
		for line := range out {
			if _, n, ok := strings.Cut(line, "flushed "); ok {
				_, _ = fmt.Sscan(n, &flushed)
				flushes++
			} else {
				_, _ = fmt.Sscan(strings.TrimPrefix(line, "counted "), &counted)
			}
		}
		_ = cmd.Wait()
		r := mustOpenAny(t, Options{Path: path})
		for i := range stored {
			got := mustOf(t, r, keyID(i)).Allowed
			if got < stored[i]+flushed || got > stored[i]+counted+1 {
				t.Errorf("key %d: %d allowed, %d before, %d flushed, %d counted", i, got, stored[i], flushed, counted)
			}
			stored[i] = got
		}
		mustClose(t, r)
		mustBeSound(t, path)
	}
	t.Logf("%d flushes", flushes)
	if flushes == 0 {
		t.Error("no child flushed anything")
	}
	mustNotBeAside(t, path)
}
