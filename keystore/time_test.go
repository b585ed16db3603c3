package keystore

import (
	"errors"
	"testing"
	"time"
)

// reopened closes a store and opens it again.
func reopened(t *testing.T, s *Store, w *wall) *Store {
	t.Helper()
	mustClose(t, s)
	return mustOpen(t, Options{Path: s.path, Clock: w.read})
}

// TestSetExpiryWithTheClockBack: an expiry counts from the time of the store,
// also after a restart, and a time that the store has passed is past.
func TestSetExpiryWithTheClockBack(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, text := mustCreate(t, s, NewKey{})
	now := s.Now()
	for _, restart := range []bool{false, true} {
		w.add(-24 * time.Hour)
		if restart {
			s = reopened(t, s, w)
		}
		got := mustUpdate(t, s, rec.ID, Change{Expiry: ptr(ExpiresIn(time.Hour))})
		if want := now.Add(time.Hour); !got.ExpiresAt.Equal(want) {
			t.Errorf("restart %v: expires at %s, want %s", restart, got.ExpiresAt, want)
		}
		var invalid *InvalidError
		if _, err := s.Update(rec.ID, Change{Expiry: ptr(ExpiresAt(w.read().Add(time.Hour)))}, By{}); !errors.As(err, &invalid) || invalid.Field != "expires" {
			t.Errorf("restart %v: an end that the store has passed: %v", restart, err)
		}
	}
	w.add(48*time.Hour + time.Hour)
	if st := mustLookup(t, s, text).Status(s.Now()); st != Expired {
		t.Errorf("at its end: %s", st)
	}
	w.add(-time.Minute)
	s = reopened(t, s, w)
	var refused *RefusedError
	if _, err := s.Update(rec.ID, Change{Expiry: ptr(Expiry{})}, By{}); !errors.As(err, &refused) {
		t.Errorf("undone with the clock back: %v", err)
	}
}

// TestOverlapWithTheClockBack: it ends when it was to, by the time of the store,
// and stays ended.
func TestOverlapWithTheClockBack(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, text := mustCreate(t, s, NewKey{})
	w.add(-time.Hour) // time stands at the start until the clock has caught up
	start := s.Now()
	old, _, _, err := s.Rotate(rec.ID, Rotation{}, By{})
	if err != nil || !old.ExpiresAt.Equal(start.Add(DefaultOverlap)) {
		t.Fatalf("%+v, %v", old, err)
	}
	for _, c := range []struct {
		step    time.Duration
		restart bool
		want    Status
	}{
		{time.Hour, true, Retiring}, {DefaultOverlap - time.Millisecond, false, Retiring}, {time.Millisecond, false, Expired},
		{-30 * time.Hour, false, Expired}, {0, true, Expired}, {29 * time.Hour, true, Expired},
	} {
		if w.add(c.step); c.restart {
			s = reopened(t, s, w)
		}
		if got := mustLookup(t, s, text).Status(s.Now()); got != c.want {
			t.Errorf("step %s, restart %v: %s, want %s", c.step, c.restart, got, c.want)
		}
	}
}

// TestFarJump: a clock that was ten years ahead ends overlaps and expiries, and
// sees that nothing new outlives it; a reset takes that back, but not what was
// decided by people in the meantime.
func TestFarJump(t *testing.T) {
	const ahead = 3652 * day
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	dated, datedText := mustCreate(t, s, NewKey{Expiry: ExpiresIn(90 * day)})
	rotated, oldText := mustCreate(t, s, NewKey{})
	if _, _, _, err := s.Rotate(rotated.ID, Rotation{}, By{}); err != nil {
		t.Fatal(err)
	}
	w.add(ahead)
	made, madeText := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Hour)})
	w.add(-ahead)
	s = reopened(t, s, w)
	var refused *RefusedError
	if _, err := s.Update(dated.ID, Change{Expiry: ptr(ExpiresIn(day))}, By{}); !errors.As(err, &refused) {
		t.Errorf("an expiry undone during the jump: %v", err)
	}
	statuses := func(when string, want ...Status) {
		t.Helper()
		for i, text := range []string{datedText, oldText, madeText} {
			if got := mustLookup(t, s, text).Status(s.Now()); got != want[i] {
				t.Errorf("%s: key %d is %s, want %s", when, i, got, want[i])
			}
		}
	}
	statuses("during the jump", Expired, Expired, Active)
	mustClose(t, s)
	if _, _, err := ResetClock(Options{Path: s.path, Clock: w.read}, By{}); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, Options{Path: s.path, Clock: w.read})
	statuses("after the reset", Active, Retiring, Active)
	got := mustUpdate(t, s, dated.ID, Change{Expiry: ptr(ExpiresIn(time.Hour))})
	if !got.ExpiresAt.Equal(w.read().Add(time.Hour)) {
		t.Errorf("%s", got.ExpiresAt)
	}
	mustUpdate(t, s, made.ID, Change{Expiry: ptr(ExpiresIn(time.Minute))}) // or it would live for ten years
	w.add(time.Hour)
	statuses("an hour later", Expired, Retiring, Expired)
	checkWhole(t, s)
}

// TestAuditTimesRise with their numbers, whatever the clock does, but for a reset.
func TestAuditTimesRise(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	for i, step := range []time.Duration{time.Second, -time.Hour, 5 * time.Minute, -365 * day, 3 * 365 * day, -time.Second, 0} {
		if w.add(step); i%2 == 0 {
			s = reopened(t, s, w)
		}
		mustCreate(t, s, NewKey{})
	}
	audit := allAudit(t, s)
	for i := 1; i < len(audit); i++ {
		if audit[i].At.Before(audit[i-1].At) {
			t.Errorf("record %d is of %s, the one before of %s", audit[i].Seq, audit[i].At, audit[i-1].At)
		}
	}
}

// TestOnceWithTheClockBack: a call is remembered for a day by the time of the store.
func TestOnceWithTheClockBack(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, _, err := s.Create(newOnce("a"), By{})
	if err != nil {
		t.Fatal(err)
	}
	w.add(-48 * time.Hour)
	s = reopened(t, s, w)
	if _, _, err := s.Create(newOnce("a"), By{}); repeated(err) != rec.ID {
		t.Error(err)
	}
	w.add(48*time.Hour + OnceFor)
	if _, _, err := s.Create(newOnce("a"), By{}); err != nil {
		t.Error(err)
	}
}
