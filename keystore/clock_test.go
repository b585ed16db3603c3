package keystore

import (
	"sync"
	"testing"
	"time"
)

// wall is a wall clock that tests set. Its readings carry no monotonic time, so
// between two settings it stands still.
type wall struct {
	mu sync.Mutex
	t  time.Time
}

func newWall() *wall { return &wall{t: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)} }

func (w *wall) read() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *wall) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

func TestClockNeverGoesBack(t *testing.T) {
	w := newWall()
	c := newClock(w.read, time.Time{})
	last := c.now()
	if last != w.read() {
		t.Errorf("%s, the wall clock says %s", last, w.read())
	}
	for _, d := range []time.Duration{time.Hour, -time.Hour, -10 * 365 * day, time.Second, 11 * 365 * day, -time.Minute} {
		w.add(d)
		if now := c.now(); now.Before(last) {
			t.Errorf("back from %s to %s", last, now)
		} else {
			last = now
		}
	}
	if c.lead() != time.Minute {
		t.Errorf("lead %s", c.lead())
	}
}

// TestClockGoesOn: behind its mark, time goes on by the monotonic clock.
func TestClockGoesOn(t *testing.T) {
	mark := time.Now().Add(10 * 365 * day)
	c := newClock(time.Now, mark)
	first := c.now()
	if first.Before(mark.Truncate(time.Microsecond)) || first.After(mark.Add(time.Hour)) {
		t.Errorf("%s, the mark is %s", first, mark)
	}
	within(t, "time", func() {
		for c.now().Sub(first) < 2*time.Millisecond {
		}
	})
}

// TestClockUnderManyReaders: no reader ever sees time go back, of its own
// readings or of another's that it heard of.
func TestClockUnderManyReaders(t *testing.T) {
	w := newWall()
	c := newClock(w.read, time.Time{})
	var highest sync.Map
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			last := c.now()
			for n := range 2000 {
				w.add(time.Duration(n%7-3) * time.Second)
				now := c.now()
				if now.Before(last) {
					t.Errorf("back from %s to %s", last, now)
				}
				last = now
				if heard, ok := highest.Load((i + 1) % 4); ok && c.now().Before(heard.(time.Time)) {
					t.Error("behind what another reader saw")
				}
				highest.Store(i, now)
			}
		})
	}
	all.Wait()
}

// TestExpiredStaysExpired: also when the clock is set back, and over a restart.
func TestExpiredStaysExpired(t *testing.T) {
	w, path := newWall(), newPath(t)
	s := mustOpen(t, Options{Path: path, Clock: w.read})
	_, text := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Hour)})
	rec := mustLookup(t, s, text)
	for _, c := range []struct {
		step time.Duration
		want Status
	}{{time.Hour - time.Millisecond, Active}, {time.Millisecond, Expired}, {-24 * time.Hour, Expired}} {
		if w.add(c.step); rec.Status(s.Now()) != c.want {
			t.Errorf("after a step of %s: %s", c.step, rec.Status(s.Now()))
		}
	}
	st := s.Stats()
	if st.ClockLead != 24*time.Hour || !st.ClockWrong() {
		t.Errorf("lead %s", st.ClockLead)
	}
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path, Clock: w.read})
	if got := mustLookup(t, s, text).Status(s.Now()); got != Expired {
		t.Errorf("after a restart: %s", got)
	}
	if st := s.Stats(); st.ClockLead != 24*time.Hour || !st.ClockWrong() {
		t.Errorf("lead after a restart %s", st.ClockLead)
	}
}

// TestMarkIsStoredWithEveryChange: also when the process ends without Close.
func TestMarkIsStoredWithEveryChange(t *testing.T) {
	w, path := newWall(), newPath(t)
	s := mustOpen(t, Options{Path: path, Clock: w.read})
	w.add(time.Hour)
	mustCreate(t, s, NewKey{})
	want := s.Now()
	s.broken = errForeign // Close will not write
	_ = s.Close()
	w.add(-5 * time.Hour)
	if got := mustOpen(t, Options{Path: path, Clock: w.read}).Now(); got != want {
		t.Errorf("now %s, the last change was at %s", got, want)
	}
}

// TestIDsGoOnWithoutAClock: ids tell the order of creation within a millisecond,
// and over a restart with the clock set back, even without a mark.
func TestIDsGoOnWithoutAClock(t *testing.T) {
	w, path := newWall(), newPath(t)
	last := ""
	for range 3 {
		s := mustOpen(t, Options{Path: path, Clock: w.read})
		s.clock = newClock(w.read, time.Time{}) // as after an operator reset the mark
		for range 20 {
			rec, _ := mustCreate(t, s, NewKey{})
			if rec.ID <= last {
				t.Errorf("id %s after %s", rec.ID, last)
			}
			last = rec.ID
			mustRevoke(t, s, rec.ID)
		}
		mustClose(t, s)
		w.add(-time.Hour)
	}
}

func TestNowAllocatesNothing(t *testing.T) {
	s := openNew(t)
	if n := testing.AllocsPerRun(100, func() { s.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
