package keystore

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// retiring are the ids that Retiring lists.
func retiring(t *testing.T, s *Store) (ids []string) {
	t.Helper()
	records, err := s.Retiring()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		ids = append(ids, rec.ID)
	}
	return ids
}

// mustRetire makes a key and rotates it.
func mustRetire(t *testing.T, s *Store, overlap, unused time.Duration) (old, fresh *Record) {
	t.Helper()
	rec, _ := mustCreate(t, s, NewKey{})
	old, fresh, _, err := s.Rotate(rec.ID, Rotation{Overlap: &overlap, RetireUnused: unused}, By{})
	if err != nil {
		t.Fatal(err)
	}
	return old, fresh
}

// TestRetiring lists who shall end once unused, and nobody else, by the end of
// the overlap.
func TestRetiring(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	if got := retiring(t, s); got != nil {
		t.Errorf("an empty store has %v", got)
	}
	mustCreate(t, s, NewKey{})
	mustRetire(t, s, 10*time.Hour, 0)
	long, next := mustRetire(t, s, 3*time.Hour, time.Hour)
	short, _ := mustRetire(t, s, time.Hour, time.Minute)
	gone, _ := mustRetire(t, s, 2*time.Hour, time.Hour)
	off, _ := mustRetire(t, s, 2*time.Hour, time.Hour)
	if long.RetireUnused != time.Hour || next.RetireUnused != 0 {
		t.Errorf("old %+v, new %+v", long, next)
	}
	mustRevoke(t, s, gone.ID)
	mustUpdate(t, s, off.ID, Change{Enabled: ptr(false)})
	if got := retiring(t, s); !slices.Equal(got, []string{short.ID, off.ID, long.ID}) {
		t.Errorf("%v", got)
	}
	w.add(time.Hour)
	if got := retiring(t, s); !slices.Equal(got, []string{off.ID, long.ID}) {
		t.Errorf("after the shortest overlap: %v", got)
	}
	mustUpdate(t, s, long.ID, Change{Expiry: ptr(ExpiresIn(time.Minute))})
	if got := retiring(t, s); !slices.Equal(got, []string{long.ID, off.ID}) {
		t.Errorf("after its end came forward: %v", got)
	}
	entries := 0 // of the revoked one there is none
	_ = s.view(func(tx *reader) error {
		return tx.finds.ForEach(func(k, _ []byte) error {
			if k[0] == findRetiring {
				entries++
			}
			return nil
		})
	})
	if entries != 3 || isRetiring(retiringFind(s.Now()), nil) || !isRetiring(make25(findRetiring), nil) || isRetiring(make25(findRetiring), make25(findWorkspace)) {
		t.Errorf("%d entries", entries)
	}
	checkWhole(t, s)
}

// make25 is an entry of a kind as long as one of a rotated key.
func make25(kind byte) []byte { return append([]byte{kind}, make([]byte, retiringLength-1)...) }

// TestRetiringCostsByTheLiving: those that have ended are not read again.
func TestRetiringCostsByTheLiving(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	shape := func(end time.Duration) func(int, *Record) {
		return func(i int, rec *Record) {
			rec.ReplacedBy, rec.RetireUnused = "01ARZ3NDEKTSV4RRFFQ69G5FAV", time.Hour
			rec.ExpiresAt = w.read().Add(end + time.Duration(i)*time.Millisecond)
		}
	}
	ended := makeMany(t, s, 10, shape(-day))
	living := makeMany(t, s, 2*chunk+5, shape(day))
	spoil(t, s, func(w *writer) { w.ids, _ = refill(w.ids.Tx(), bucketIDs, nil) })
	if got := retiring(t, s); got != nil {
		t.Errorf("%d are believed that the index does not confirm", len(got))
	}
	spoil(t, s, func(w *writer) { _ = w.rebuildIndex() })
	if got := retiring(t, s); !slices.Equal(got, living) {
		t.Errorf("%d, want %d", len(got), len(living))
	}
	_ = s.view(func(tx *reader) error {
		k, _ := tx.finds.Cursor().Seek(retiringFind(s.Now()))
		if id, _ := parseID(ended[9]); string(k[9:]) <= string(id[:]) {
			t.Error("the walk begins at those that have ended")
		}
		return nil
	})
}

// TestEndUnused ends a key as if its overlap were over.
func TestEndUnused(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	old, fresh := mustRetire(t, s, 3*time.Hour, time.Hour)
	w.add(time.Hour)
	got, err := s.EndUnused(old.ID, By{Actor: "keygate"})
	want := *old
	want.ExpiresAt = w.read()
	if err != nil || !same(got, &want) || got.Status(s.Now()) != Expired {
		t.Errorf("%+v, %v", got, err)
	}
	a := lastAudit(t, s)
	if a.Action != "retire" || a.KeyID != old.ID || a.Actor != "keygate" || a.From["expires_at"] != stamp(old.ExpiresAt) || a.To["expires_at"] != stamp(w.read()) {
		t.Errorf("audit %+v", a)
	}
	if got := retiring(t, s); got != nil {
		t.Errorf("still there: %v", got)
	}
	plain, _ := mustRetire(t, s, time.Hour, 0)
	gone, _ := mustRetire(t, s, time.Hour, time.Hour)
	mustRevoke(t, s, gone.ID)
	over, _ := mustRetire(t, s, time.Minute, time.Minute)
	w.add(time.Minute)
	head := s.AuditHead()
	for _, id := range []string{old.ID, fresh.ID, plain.ID, gone.ID, over.ID} {
		var refused *RefusedError
		if rec, err := s.EndUnused(id, By{}); !errors.As(err, &refused) || refused.ID != id || rec != nil {
			t.Errorf("%+v, %v", rec, err)
		}
	}
	if s.AuditHead() != head {
		t.Error("a refusal was written down")
	}
	checkWhole(t, s)
}

// TestRetireWhenUnusedRefuses what means nothing, or would end a key in use.
func TestRetireWhenUnusedRefuses(t *testing.T) {
	s := openNew(t)
	rec, _ := mustCreate(t, s, NewKey{})
	zero := time.Duration(0)
	for _, r := range []Rotation{
		{RetireUnused: -time.Hour}, {RetireUnused: minRetire - 1}, {RetireUnused: MaxOverlap + 1}, {RetireUnused: time.Hour, Overlap: &zero},
	} {
		var invalid *InvalidError
		if _, _, _, err := s.Rotate(rec.ID, r, By{}); !errors.As(err, &invalid) || invalid.Field != "retire_when_unused" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	old, _, _, err := s.Rotate(rec.ID, Rotation{RetireUnused: minRetire + time.Microsecond}, By{})
	if err != nil || old.RetireUnused != minRetire || lastAuditOf(t, s, rec.ID).To["retire_when_unused"] != "1m0s" {
		t.Errorf("%+v, %v", old, err)
	}
}

// lastAuditOf is the newest audit record about a key.
func lastAuditOf(t *testing.T, s *Store, id string) AuditRecord {
	t.Helper()
	page, _, err := s.AuditList(AuditQuery{KeyID: id, Newest: true, Limit: 1})
	if err != nil || len(page) != 1 {
		t.Fatal(page, err)
	}
	return page[0]
}
