package usage

import (
	"context"
	"os"
	"testing"
	"time"
)

func wantTimes(t testing.TB, r *Recorder, what string, begun, watching time.Time) {
	t.Helper()
	if !r.Begun().Equal(begun) || !r.Watching().Equal(watching) {
		t.Errorf("%s: begun %v, watching %v; want %v and %v", what, r.Begun(), r.Watching(), begun, watching)
	}
}

// beats lets a recorder run for a time, with or without something to store.
func beats(t testing.TB, c *clock, r *Recorder, d time.Duration, busy bool) {
	t.Helper()
	for range d / (40 * time.Second) {
		c.add(40 * time.Second)
		if busy {
			r.Count(allowed("k"))
		}
		mustFlush(t, r)
	}
}

// TestWatching: a server that was not running for more than 10 minutes has seen
// nothing, and what was not used then is not called unused.
func TestWatching(t *testing.T) {
	for _, busy := range []bool{false, true} {
		c, path := newClock(), newPath(t)
		begun := c.Now()
		open := func() *Recorder { return mustOpenAny(t, Options{Path: path, Now: c.Now}) }
		r := open()
		beats(t, c, r, 3*time.Hour, busy)
		wantTimes(t, r, "running", begun, begun)
		mustClose(t, r)

		c.add(9 * time.Minute) // the mark may be a minute older
		r = open()
		wantTimes(t, r, "after a short stop", begun, begun)
		beats(t, c, r, time.Hour, busy)
		// kill -9: the file is free, and nothing was written.
		if err := r.leave(); err != nil {
			t.Fatal(err)
		}
		c.add(9 * time.Minute)
		r = open()
		wantTimes(t, r, "after a kill", begun, begun)
		mustClose(t, r)

		c.add(12 * time.Minute)
		since := c.Now()
		r = open()
		wantTimes(t, r, "after a long stop", begun, since)
		beats(t, c, r, time.Hour, busy)
		wantTimes(t, r, "an hour later", begun, since)
		mustClose(t, r)
		r = open()
		wantTimes(t, r, "restarted", begun, since)

		c.add(11 * time.Minute) // the machine slept
		mustFlush(t, r)
		wantTimes(t, r, "after a sleep", begun, c.Now())
		c.add(2 * time.Minute)
		mustFlush(t, r)
		mustClose(t, r)

		c.add(-24 * time.Hour) // the clock was ahead
		r = open()
		wantTimes(t, r, "with the clock back", begun, later(begun, c.Now()))
		mustClose(t, r)
	}
}

// TestWatchingWithoutAFile: memory holds all since the start; once the file can be
// had, it goes on from there.
func TestWatchingWithoutAFile(t *testing.T) {
	c, path := newClock(), newPath(t)
	begun := c.Now()
	holder := mustOpenAny(t, Options{Path: path, Now: c.Now})
	c.add(5 * time.Minute)
	start := c.Now()
	r := mustOpenAny(t, Options{Path: path, Now: c.Now})
	wantTimes(t, r, "in memory alone", start, start)
	for range 60 {
		c.add(time.Minute)
		_ = r.Flush(context.Background())
	}
	if err := holder.leave(); err != nil { // without a mark
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantTimes(t, r, "with the file", begun, begun)
	mustClose(t, r)

	// The same with a file that ended long before the start.
	c.add(time.Hour)
	holder = mustOpenAny(t, Options{Path: path, Now: c.Now})
	c.add(time.Hour)
	start = c.Now()
	r = mustOpenAny(t, Options{Path: path, Now: c.Now})
	for range 60 {
		c.add(time.Minute)
		_ = r.Flush(context.Background())
	}
	if err := holder.leave(); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantTimes(t, r, "with an old file", begun, start)
	mustClose(t, r)

	// And without any.
	path = newPath(t)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	start = c.Now()
	r = mustOpen(t, Options{Path: path, Now: c.Now})
	r.Count(allowed("k"))
	for range 30 {
		c.add(time.Minute)
		_ = r.Flush(context.Background())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantTimes(t, r, "with a new file", start, start)
	c.add(time.Minute)
	mustFlush(t, r)

	// Broken later: what was stored is lost.
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	mustFlush(t, r)
	wantTimes(t, r, "with a second new file", c.Now(), c.Now())
}

// TestNothingToStoreIsNotStored: an idle recorder writes once a minute.
func TestNothingToStoreIsNotStored(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	before := transactions(r)
	beats(t, c, r, 10*time.Minute, false)
	if n := transactions(r) - before; n < 5 || n > 10 {
		t.Errorf("%d transactions in ten minutes", n)
	}
}
