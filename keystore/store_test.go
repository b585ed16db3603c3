package keystore

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// newPath is a path for a store that does not exist yet.
func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "keys.db")
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func openNew(t testing.TB) *Store {
	t.Helper()
	return mustOpen(t, Options{Path: newPath(t)})
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustCreate(t testing.TB, s *Store, k NewKey) (*Record, string) {
	t.Helper()
	if k.Name == "" {
		k.Name = "test"
	}
	if k.Permission == 0 {
		k.Permission = Read
	}
	rec, text, err := s.Create(k, By{Actor: "uid:1"})
	if err != nil {
		t.Fatal(err)
	}
	return rec, text.Reveal()
}

func mustLookup(t testing.TB, s *Store, text string) *Record {
	t.Helper()
	rec, err := s.Lookup(text)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func mustRevoke(t testing.TB, s *Store, id string) *Record {
	t.Helper()
	rec, err := s.Revoke(id, By{})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestLifeOfAKey walks through the whole story once, over a restart.
func TestLifeOfAKey(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	rec, text := mustCreate(t, s, NewKey{Name: "  ci  ", Permission: Write, Workspace: "docs", Expiry: ExpiresIn(time.Hour)})
	if got := mustLookup(t, s, text); !same(got, rec) {
		t.Errorf("lookup %+v, created %+v", got, rec)
	}
	if rec.Name != "ci" || rec.Account != "default" || rec.Workspace != "docs" || rec.Last4 != text[len(text)-4:] {
		t.Errorf("unexpected record %+v", rec)
	}
	if _, err := s.Rename(rec.ID, "ci 2", By{}); err != nil {
		t.Fatal(err)
	}
	_, next, nextText, err := s.Rotate(rec.ID, Rotation{}, By{})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)

	s = mustOpen(t, Options{Path: path})
	old := mustLookup(t, s, text)
	if old.Name != "ci 2" || old.ReplacedBy != next.ID || old.Status(s.Now()) != Retiring {
		t.Errorf("old key %+v", old)
	}
	if got := mustLookup(t, s, nextText.Reveal()); !same(got, next) || got.Replaces != rec.ID || got.Permission != Write {
		t.Errorf("new key %+v, rotated to %+v", got, next)
	}
	mustRevoke(t, s, next.ID)
	if st := mustLookup(t, s, nextText.Reveal()).Status(s.Now()); st != Revoked {
		t.Errorf("status %s after revoke", st)
	}
	records, more, err := s.List(Filter{}, "", 10)
	if err != nil || more != "" || len(records) != 2 || records[0].ID != rec.ID || records[1].ID != next.ID {
		t.Errorf("list: %v %q %v", records, more, err)
	}
	audit, err := s.Audit(0, 10)
	if err != nil || len(audit) != 5 {
		t.Errorf("audit: %+v, %v", audit, err)
	}
	if _, err := s.Lookup(text[:len(text)-1] + "!"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("junk: %v", err)
	}
}
