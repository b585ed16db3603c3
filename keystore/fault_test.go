package keystore

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// within fails the test if fn hangs.
func within(t *testing.T, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", what)
	}
}

// undecided checks that an error is none of the two denials.
func undecided(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrCorruptRecord) {
		t.Errorf("want an error that decides nothing, got %v", err)
	}
}

// TestFileCutWhileOpen: a fault of the mapped file is an error of the look-up,
// not the end of the process, and nothing hangs afterwards. Cached records
// still answer.
func TestFileCutWhileOpen(t *testing.T) {
	for _, size := range []int64{0, 4096, 2 * 4096, 5 * 4096} {
		s, err := Open(Options{Path: newPath(t)})
		if err != nil {
			t.Fatal(err)
		}
		_, cached := mustCreate(t, s, NewKey{})
		rec, text := mustCreate(t, s, NewKey{})
		mustLookup(t, s, cached)
		whole, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(s.path, size); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			within(t, "a look-up", func() {
				if _, err := s.Lookup(text); size < 4*4096 {
					undecided(t, err)
				}
			})
		}
		mustLookup(t, s, cached)
		within(t, "a revoke", func() {
			if _, err := s.Revoke(rec.ID, By{}); size < 4*4096 {
				undecided(t, err)
			}
		})
		within(t, "close", func() { _ = s.Close() })
		// Another process can have the file now.
		if err := os.WriteFile(s.path, whole, fileMode); err != nil {
			t.Fatal(err)
		}
		mustOpen(t, Options{Path: s.path, LockTimeout: time.Millisecond})
	}
}

// TestPanicInACommit: bbolt may hold its locks afterwards; checks go on, changes
// are refused, and Close frees the file.
func TestPanicInACommit(t *testing.T) {
	s, err := Open(Options{Path: newPath(t)})
	if err != nil {
		t.Fatal(err)
	}
	rec, text := mustCreate(t, s, NewKey{})
	s.broken = s.breakOnPanic(s.guard("write", func() error { panic("page 7 already freed") }))
	mustLookup(t, s, text)
	within(t, "a revoke", func() {
		if _, err := s.Revoke(rec.ID, By{}); err == nil || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("got %v", err)
		}
	})
	within(t, "close", func() { _ = s.Close() })
	mustLookup(t, mustOpen(t, Options{Path: s.path, LockTimeout: time.Millisecond}), text)
}

// TestPanicInAChange rolls back: the store goes on.
func TestPanicInAChange(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	err := s.apply(By{}, func(w *writer) error {
		digest, old, err := w.byID(rec.ID)
		if err != nil {
			return err
		}
		changed := *old
		changed.Permission = Full
		if err := w.put(digest, &changed); err != nil {
			return err
		}
		panic("a bug")
	})
	undecided(t, err)
	if got := mustLookup(t, s, text); !same(got, rec) {
		t.Errorf("half a change is left: %+v", got)
	}
	mustRevoke(t, s, rec.ID)
}

// TestDamagedRecord: a denial, an alarm that names the key, a counter; never
// cached; the others keep working.
func TestDamagedRecord(t *testing.T) {
	var alarms []string
	s := mustOpen(t, Options{Path: newPath(t), OnCorrupt: func(id string) { alarms = append(alarms, id) }})
	good, goodText := mustCreate(t, s, NewKey{})
	rec, text := mustCreate(t, s, NewKey{})
	digest := s.hasher.digest(text)
	store := func(change func(encoded []byte) []byte, seal bool) {
		err := s.apply(By{}, func(w *writer) error {
			encoded, err := appendRecord(nil, rec)
			if err != nil {
				return err
			}
			tag := w.hasher.tag(tagRecord, digest[:], encoded)
			if encoded = change(encoded); seal {
				tag = w.hasher.tag(tagRecord, digest[:], encoded)
			}
			return w.keys.Put(digest[:], append(encoded, tag...))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set := func(at int, to byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = to; return b }
	}
	for i, c := range []struct {
		name   string
		change func([]byte) []byte
		seal   bool
	}{
		{"raised, tag left", set(17, byte(Full)), false},
		{"unknown version", set(0, 3), true},
		{"unknown permission", set(17, 5), true},
		{"no permission", set(17, 0), true},
		{"unknown flag", set(18, 2), true},
		{"bytes behind it", func(b []byte) []byte { return append(b, 0) }, true},
		{"cut", func(b []byte) []byte { return b[:len(b)-1] }, true},
	} {
		store(c.change, c.seal)
		for range 2 {
			if got, err := s.Lookup(text); got != nil || !errors.Is(err, ErrCorruptRecord) {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
		}
		if n := s.Stats().CorruptRecords; n != uint64(2*i+2) || len(alarms) != 2*i+2 || alarms[2*i] != rec.ID {
			t.Errorf("%s: counter %d, alarms %v", c.name, n, alarms)
		}
		mustLookup(t, s, goodText)
		if _, err := s.Get(rec.ID); !errors.Is(err, ErrCorruptRecord) {
			t.Errorf("%s: get: %v", c.name, err)
		}
		if _, err := s.Rename(rec.ID, "x", By{}); !errors.Is(err, ErrCorruptRecord) {
			t.Errorf("%s: rename: %v", c.name, err)
		}
	}
	before := len(alarms)
	if list, _, err := s.List(Filter{}, "", 9); err != nil || len(list) != 1 || list[0].ID != good.ID || len(alarms) != before+1 {
		t.Errorf("list %v, %v, alarms %v", list, err, alarms[before:])
	}
	if census, err := s.Census(); err != nil || census.ByStatus[Unreadable] != 1 || census.ByStatus[Active] != 1 {
		t.Errorf("census %v, %v", census, err)
	}
	if n := s.Stats().StoreErrors; n != 0 {
		t.Errorf("%d store errors", n)
	}
}

// TestRecordUnderAnotherDigest: a full record, copied with its tag to the place
// of another key, is damaged there.
func TestRecordUnderAnotherDigest(t *testing.T) {
	s := openNew(t)
	_, full := mustCreate(t, s, NewKey{Permission: Full})
	_, read := mustCreate(t, s, NewKey{Permission: Read})
	from, to := s.hasher.digest(full), s.hasher.digest(read)
	err := s.apply(By{}, func(w *writer) error {
		return w.keys.Put(to[:], append([]byte(nil), w.keys.Get(from[:])...))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Lookup(read); !errors.Is(err, ErrCorruptRecord) {
		t.Errorf("%+v, %v", got, err)
	}
}
