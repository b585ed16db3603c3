package keystore

import (
	"errors"
	"os"
	"testing"
	"time"
)

// copyOf copies the file of a store that stays open: what kill -9 leaves.
func copyOf(t *testing.T, s *Store) (path string) {
	t.Helper()
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	path = newPath(t)
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustSaveMark(t *testing.T, s *Store) {
	t.Helper()
	if err := s.SaveMark(); err != nil {
		t.Fatal(err)
	}
}

// transactions is how many transactions the file has seen.
func transactions(t *testing.T, s *Store) uint64 {
	t.Helper()
	metas, err := readMetas(openRaw(t, s.path))
	if err != nil {
		t.Fatal(err)
	}
	newest, _ := newestMeta(metas)
	return newest.txnID
}

// TestExpiredStaysExpiredAfterACrash: without Close, and with the clock back.
func TestExpiredStaysExpiredAfterACrash(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	_, text := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Hour)})
	w.add(48 * time.Hour)
	if got := mustLookup(t, s, text).Status(s.Now()); got != Expired {
		t.Fatalf("after 48 hours: %s", got)
	}
	mustSaveMark(t, s)
	w.add(30*time.Minute - 48*time.Hour)
	s = mustOpen(t, Options{Path: copyOf(t, s), Clock: w.read})
	if got := mustLookup(t, s, text).Status(s.Now()); got != Expired {
		t.Errorf("after a crash, with the clock back: %s", got)
	}
}

// TestSaveMarkWritesWhenItMoved by a minute, and not more often.
func TestSaveMarkWritesWhenItMoved(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	for _, c := range []struct {
		step   time.Duration
		change bool // by something else, which stores the mark too
		writes uint64
	}{
		{0, false, 0}, {MarkStep - time.Microsecond, false, 0}, {time.Microsecond, false, 1}, {0, false, 0},
		{MarkStep, true, 0}, {MarkStep - 1, false, 0}, {-9 * time.Hour, false, 0}, {99 * time.Hour, false, 1},
	} {
		w.add(c.step)
		if c.change {
			mustCreate(t, s, NewKey{})
		}
		before := transactions(t, s)
		mustSaveMark(t, s)
		if n := transactions(t, s) - before; n != c.writes {
			t.Errorf("after a step of %s: %d transactions, want %d", c.step, n, c.writes)
		}
	}
	mustClose(t, s)
	if err := s.SaveMark(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestResetClock: a clock that was ten years ahead for one reading expires every
// key; a reset takes that back, and tells the audit.
func TestResetClock(t *testing.T) {
	w := newWall()
	o := Options{Path: newPath(t), Clock: w.read, Pepper: make([]byte, MinPepper)}
	s := mustOpen(t, o)
	rec, text := mustCreate(t, s, NewKey{Expiry: ExpiresIn(90 * day)})
	const ahead = 3652 * day
	w.add(ahead)
	wrong := s.Now()
	far, _ := mustCreate(t, s, NewKey{})
	w.add(-ahead)
	mustClose(t, s)

	s = mustOpen(t, o)
	if st := s.Stats(); st.ClockLead != ahead || mustLookup(t, s, text).Status(s.Now()) != Expired {
		t.Fatalf("lead %s: %+v", st.ClockLead, mustLookup(t, s, text))
	}
	if _, _, err := ResetClock(Options{Path: o.Path, Pepper: o.Pepper, LockTimeout: time.Millisecond}, By{}); !errors.As(err, new(*LockedError)) {
		t.Errorf("beside a server: %v", err)
	}
	mustClose(t, s)

	w.add(time.Hour)
	was, is, err := ResetClock(o, By{Actor: "uid:0", Reason: "ntp"})
	if err != nil || !was.Equal(wrong) || !is.Equal(w.read()) {
		t.Fatalf("was %s, is %s, %v", was, is, err)
	}
	s = mustOpen(t, o)
	if st := s.Stats(); st.ClockLead != 0 || s.Now() != w.read() || !same(mustLookup(t, s, text), rec) || rec.Status(s.Now()) != Active {
		t.Errorf("after the reset: lead %s, now %s", st.ClockLead, s.Now())
	}
	audit := allAudit(t, s)
	last := audit[len(audit)-1]
	if len(audit) != 3 || last.Action != "reset-clock" || last.KeyID != "" || last.Actor != "uid:0" || last.Reason != "ntp" ||
		!last.At.Equal(is) || last.From["time_mark"] != stamp(was) || last.To["time_mark"] != stamp(is) {
		t.Errorf("audit %+v", audit)
	}
	if next, _ := mustCreate(t, s, NewKey{}); next.ID <= far.ID || !next.CreatedAt.Equal(w.read()) {
		t.Errorf("id %s after %s, created at %s", next.ID, far.ID, next.CreatedAt)
	}
}

// TestResetClockRefuses what Open refuses, and a path without a store: it makes
// none.
func TestResetClockRefuses(t *testing.T) {
	path := newPath(t)
	if _, _, err := ResetClock(Options{Path: path}, By{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
	mustClose(t, mustOpen(t, Options{Path: path}))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ResetClock(Options{Path: path, Pepper: make([]byte, MinPepper)}, By{}); !errors.Is(err, ErrWrongPepper) {
		t.Errorf("wrong pepper: %v", err)
	}
	var invalid *InvalidError
	if _, _, err := ResetClock(Options{Path: path}, By{Reason: "a\nb"}); !errors.As(err, &invalid) || invalid.Field != "reason" {
		t.Errorf("bad reason: %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was touched")
	}
}
