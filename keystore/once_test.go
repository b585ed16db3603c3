package keystore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// repeated is the id in a *RepeatedError.
func repeated(err error) string {
	var e *RepeatedError
	if !errors.As(err, &e) {
		return fmt.Sprintf("no repetition: %v", err)
	}
	return e.ID
}

func newOnce(once string) NewKey { return NewKey{Name: "n", Permission: Read, Once: once} }

// TestOnce: within a day a repeat makes no second key, and names the first; also
// after a restart, whatever else it asks for.
func TestOnce(t *testing.T) {
	w, path := newWall(), newPath(t)
	s := mustOpen(t, Options{Path: path, Clock: w.read})
	by := By{Actor: "uid:1"}
	rec, _, err := s.Create(newOnce("a"), by)
	if err != nil {
		t.Fatal(err)
	}
	w.add(OnceFor - time.Millisecond)
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path, Clock: w.read})
	head := s.AuditHead()
	for _, k := range []NewKey{newOnce("a"), {Name: "other", Permission: Full, Once: "a"}} {
		if got, text, err := s.Create(k, by); repeated(err) != rec.ID || got != nil || text.Reveal() != "" || !strings.Contains(err.Error(), rec.ID) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if s.AuditHead() != head || len(allRecords(t, s)) != 1 {
		t.Error("the repeat left a trace")
	}
	w.add(time.Millisecond)
	again, _, err := s.Create(newOnce("a"), by)
	if err != nil || again.ID == rec.ID {
		t.Errorf("after a day: %v", err)
	}
	if _, _, err := s.Create(newOnce("a"), by); repeated(err) != again.ID {
		t.Errorf("used again: %v", err)
	}
	checkWhole(t, s)
}

// TestOnceIsOfOneActorAndCall: names of others do not meet.
func TestOnceIsOfOneActorAndCall(t *testing.T) {
	s := openNew(t)
	first, _, err := s.Create(newOnce("a"), By{Actor: "uid:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ actor, once string }{{"uid:2", "a"}, {"", "a"}, {"uid:1", "b"}, {"uid:1a", ""}, {"uid:1", ""}, {"uid:1", ""}} {
		if _, _, err := s.Create(newOnce(c.once), By{Actor: c.actor}); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	_, next, _, err := s.Rotate(first.ID, Rotation{Once: "a"}, By{Actor: "uid:1"})
	if err != nil {
		t.Fatalf("another call: %v", err)
	}
	if old, fresh, text, err := s.Rotate(first.ID, Rotation{Once: "a"}, By{Actor: "uid:1"}); repeated(err) != next.ID || old != nil || fresh != nil || text.Reveal() != "" {
		t.Errorf("rotated twice: %v", err)
	}
	if _, _, err := s.Create(newOnce("a"), By{Actor: "uid:1", Address: "1.2.3.4", RequestID: "r2"}); repeated(err) != first.ID {
		t.Errorf("from elsewhere: %v", err)
	}
}

// TestOnceOfAFailedCall is free again: nothing was made.
func TestOnceOfAFailedCall(t *testing.T) {
	s := openNew(t)
	k := newOnce("a")
	k.Expiry = ExpiresIn(time.Millisecond)
	if _, _, err := s.Create(k, By{}); err == nil {
		t.Fatal("too short a lifetime")
	}
	rec, _, err := s.Create(newOnce("a"), By{})
	if err != nil {
		t.Fatal(err)
	}
	mustRevoke(t, s, rec.ID)
	if _, _, _, err := s.Rotate(rec.ID, Rotation{Once: "b"}, By{}); err == nil {
		t.Fatal("a revoked key rotates")
	}
	other, _ := mustCreate(t, s, NewKey{})
	if _, _, _, err := s.Rotate(other.ID, Rotation{Once: "b"}, By{}); err != nil {
		t.Error(err)
	}
}

// TestOnceNames are bounded and printable, and are not in the file.
func TestOnceNames(t *testing.T) {
	s := openNew(t)
	for _, bad := range []string{strings.Repeat("x", maxOnce+1), "a\n", "\xff", mustMint(t, "ant_")} {
		_, _, err1 := s.Create(newOnce(bad), By{})
		_, _, _, err2 := s.Rotate("01ARZ3NDEKTSV4RRFFQ69G5FAV", Rotation{Once: bad}, By{})
		for _, err := range []error{err1, err2} {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "idempotency_key" {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	if _, _, err := s.Create(newOnce(strings.Repeat("ü", maxOnce)), By{}); err != nil {
		t.Error(err)
	}
}

// onceCount is how many calls the file remembers, in both buckets.
func onceCount(t *testing.T, s *Store) (calls int) {
	t.Helper()
	_ = s.view(func(tx *reader) error {
		_ = tx.once.ForEach(func(k, v []byte) error {
			if calls++; tx.onces.Get(byAge(v, k)) == nil {
				t.Errorf("call %x has no age", k)
			}
			return nil
		})
		ages := 0
		_ = tx.onces.ForEach(func(_, _ []byte) error { ages++; return nil })
		if ages != calls {
			t.Errorf("%d calls, %d ages", calls, ages)
		}
		return nil
	})
	return calls
}

// TestOldCallsAreForgotten: the file remembers those of a day or so, however
// many there were, and whether their names are new or used again.
func TestOldCallsAreForgotten(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	s.db.NoSync = true
	const aDay = 48
	for i := range 5 * aDay {
		once := fmt.Sprint(i)
		if i%3 == 0 {
			once = fmt.Sprint("again", i%2)
		}
		if _, _, err := s.Create(newOnce(once), By{}); err != nil && repeated(err) == "" {
			t.Fatal(err)
		}
		if n := onceCount(t, s); n > aDay+1 {
			t.Fatalf("after %d calls %d are remembered", i, n)
		}
		w.add(OnceFor / aDay)
	}
	w.add(2 * OnceFor)
	for i := range aDay {
		if _, _, err := s.Create(newOnce(fmt.Sprint("later", i)), By{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := onceCount(t, s); n != aDay {
		t.Errorf("%d are remembered, want those of the last day: %d", n, aDay)
	}
}
