package usage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestCountAllocatesNothing for a key that is in use, also not the first time
// after a flush.
func TestCountAllocatesNothing(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	const keys = 1000
	events := make([]Event, keys)
	for i := range events {
		events[i] = Event{KeyID: keyID(i), Reason: "allowed", Allowed: true, Address: "203.0.113.7"}
	}
	count := func() {
		for _, e := range events {
			r.Count(e)
		}
	}
	for range 3 {
		count()
		mustFlush(t, r)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count()
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > keys/10 { // the run-time system may need some
		t.Errorf("%d allocations for %d keys after a flush", n, keys)
	}
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSumIsExact: total in is total out, while many count, flush and read at the
// same time, and after a restart.
func TestSumIsExact(t *testing.T) {
	const keys, workers, events = 300, 4, 20_000
	path := newPath(t)
	r := mustOpenAny(t, Options{Path: path})
	var in, denied [keys]atomic.Uint64
	var done atomic.Bool
	var counting, others sync.WaitGroup
	for w := range workers {
		counting.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			for range events {
				k := rnd.IntN(keys)
				if rnd.IntN(5) == 0 {
					r.Count(Event{KeyID: keyID(k), Reason: "expired"})
					denied[k].Add(1)
				} else {
					r.Count(allowed(keyID(k)))
					in[k].Add(1)
				}
			}
		})
	}
	others.Go(func() {
		for !done.Load() {
			mustFlush(t, r)
		}
	})
	others.Go(func() {
		for k := 0; !done.Load(); k = (k + 1) % keys {
			before := in[k].Load()
			got := mustOf(t, r, keyID(k)).Allowed
			if after := in[k].Load() + workers; got < before || got > after {
				t.Errorf("key %d: %d allowed, want %d to %d", k, got, before, after)
			}
		}
	})
	counting.Wait()
	done.Store(true)
	others.Wait()
	check := func() {
		t.Helper()
		for k := range keys {
			u := mustOf(t, r, keyID(k))
			if u.Allowed != in[k].Load() || u.Denied != denied[k].Load() || u.ByReason["allowed"] != in[k].Load() || u.ByReason["expired"] != denied[k].Load() {
				t.Errorf("key %d: %+v, want %d and %d", k, u, in[k].Load(), denied[k].Load())
			}
		}
	}
	check()
	mustClose(t, r)
	r = mustOpen(t, Options{Path: path})
	check()
}

// TestNoFileIsWaitedFor: while a commit hangs, Count and LastUsed go on.
func TestNoFileIsWaitedFor(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	r.Count(allowed("k"))
	entered, leave := make(chan struct{}), make(chan struct{})
	r.file.Load().testingOnlyCommit = func(tx *bolt.Tx) error {
		close(entered)
		<-leave
		return tx.Commit()
	}
	flushed := make(chan error, 1)
	go func() { flushed <- r.Flush(context.Background()) }()
	<-entered
	within(t, "Count or LastUsed", func() {
		for i := range 1000 {
			r.Count(allowed("k"))
			r.Count(allowed(keyID(i)))
		}
		if r.LastUsed("k").IsZero() || r.LastUsed(keyID(9)).IsZero() {
			t.Error("not used")
		}
		r.Stats()
		r.Watching()
		r.Begun()
	})
	exact := make(chan Usage, 1)
	go func() { u, _ := r.Of("k"); exact <- u }()
	r.file.Load().testingOnlyCommit = nil
	close(leave)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	if u := <-exact; u.Allowed != 1001 {
		t.Errorf("%d allowed", u.Allowed)
	}
}

// TestMemoryIsBounded: beyond the bound events of new keys are dropped and
// counted, those of the keys at hand still count, and a flush makes room.
func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	r.maxKeys = 100
	for range 3 {
		for i := range 250 {
			r.Count(allowed(keyID(i)))
		}
	}
	if st := r.Stats(); st.Keys != 100 || st.Dropped != 450 {
		t.Errorf("%+v", st)
	}
	wantAllowed(t, r, keyID(99), 3)
	wantAllowed(t, r, keyID(100), 0)
	c.add(time.Minute)
	mustFlush(t, r)
	if !r.Watching().Equal(c.Now()) {
		t.Errorf("events were dropped, and it watches since %v", r.Watching())
	}
	mustFlush(t, r)
	if st := r.Stats(); st.Keys != 0 {
		t.Errorf("%+v", st)
	}
	r.Count(allowed(keyID(200)))
	wantAllowed(t, r, keyID(200), 1)
	wantAllowed(t, r, keyID(99), 3)
}

// TestIdleKeysLeaveMemory: once stored, after an interval in which they were not
// used; those in use stay.
func TestIdleKeysLeaveMemory(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	for i := range 1000 {
		r.Count(allowed(keyID(i)))
	}
	for _, want := range []int{1000, 1, 1, 0, 0} {
		mustFlush(t, r)
		if n := r.Stats().Keys; n != want {
			t.Errorf("%d keys in memory, want %d", n, want)
		}
		if want > 1 || r.Stats().Flushes == 2 {
			r.Count(allowed(keyID(7)))
		}
	}
	wantAllowed(t, r, keyID(7), 3)
	wantAllowed(t, r, keyID(8), 1)
}

// TestMemoryAloneIsBounded: without a file for a year, a key takes no more than
// its lists can hold.
func TestMemoryAloneIsBounded(t *testing.T) {
	c := newClock()
	r := mustOpenAny(t, Options{Path: newPath(t) + "/missing/usage.db", Now: c.Now})
	for i := range 365 * 24 {
		c.add(time.Hour)
		r.Count(Event{KeyID: "k", Reason: fmt.Sprint(i), Address: fmt.Sprint(i), Allowed: true})
	}
	r.inMemory("k", func(t2 *tally) {
		if len(t2.hours) != maxHours || len(t2.days) != maxDays || len(t2.reasons) != maxReasons {
			t.Errorf("%d hours, %d days, %d reasons", len(t2.hours), len(t2.days), len(t2.reasons))
		}
	})
	u := mustOf(t, r, "k")
	if u.Allowed != 365*24 || len(u.Hours) != 48 || len(u.Days) != 90 {
		t.Errorf("%+v", u)
	}
	_ = r.Close()
}

// TestStrangeIDs: an id that cannot be is dropped and counted; any other is kept
// apart from all others.
func TestStrangeIDs(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	for _, id := range []string{"", strings.Repeat("x", maxID+1)} {
		r.Count(allowed(id))
	}
	if st := r.Stats(); st.Dropped != 2 || st.Keys != 0 {
		t.Errorf("%+v", st)
	}
	good := []string{"a", "a\x00", "\x00", "\xff\xfe", strings.Repeat("x", maxID)}
	for i, id := range good {
		for range i + 1 {
			r.Count(allowed(id))
		}
	}
	for range 2 {
		for i, id := range good {
			wantAllowed(t, r, id, uint64(i+1))
		}
		mustFlush(t, r)
	}
}

// TestAfterClose: nothing is stored, and nothing breaks.
func TestAfterClose(t *testing.T) {
	path := newPath(t)
	r := mustOpenAny(t, Options{Path: path})
	r.Count(allowed("k"))
	mustClose(t, r)
	mustClose(t, r)
	r.Count(allowed("k"))
	r.LastUsed("k")
	if _, err := r.Of("k"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := r.Flush(context.Background()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	within(t, "run", func() {
		if err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r = mustOpen(t, Options{Path: path})
	wantAllowed(t, r, "k", 1)
}

func TestEmptyPath(t *testing.T) {
	if r, err := Open(Options{}); err == nil || r != nil {
		t.Errorf("%v, %v", r, err)
	}
}
