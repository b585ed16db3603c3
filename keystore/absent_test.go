package keystore

import (
	"errors"
	"testing"
	"time"
)

// ifAbsent asks for a key that the caller calls "db".
func ifAbsent(k NewKey) NewKey {
	k.Name, k.Permission, k.IfAbsent = "n", Read, true
	if k.Labels == nil {
		k.Labels = map[string]string{LabelID: "db", "env": "prod"}
	}
	return k
}

// exists is the id of the key that kept another from being made.
func exists(t *testing.T, s *Store, k NewKey) string {
	t.Helper()
	head := s.AuditHead()
	rec, text, err := s.Create(ifAbsent(k), By{})
	var e *ExistsError
	if !errors.As(err, &e) {
		if err != nil {
			t.Fatal(err)
		}
		return ""
	}
	if rec != nil || text.Reveal() != "" || s.AuditHead() != head {
		t.Errorf("%+v beside %v", rec, err)
	}
	return e.Record.ID
}

func TestIfAbsent(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	newest := func() string {
		page, _, err := s.List(Filter{Newest: true}, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		return page[0].ID
	}
	if id := exists(t, s, NewKey{Expiry: ExpiresIn(time.Hour)}); id != "" {
		t.Errorf("an empty store has %s", id)
	}
	first := newest()
	if id := exists(t, s, NewKey{}); id != first {
		t.Errorf("%s, want %s", id, first)
	}
	for _, k := range []NewKey{{Account: "other"}, {Workspace: "other"}, {Labels: map[string]string{LabelID: "d"}}, {Labels: map[string]string{LabelID: "db2"}}} {
		if id := exists(t, s, k); id != "" {
			t.Errorf("%+v: %s is no such key", k, id)
		}
		if id := exists(t, s, k); id != newest() {
			t.Errorf("%+v: %s, want %s", k, id, newest())
		}
	}
	mustUpdate(t, s, first, Change{Enabled: ptr(false)})
	if id := exists(t, s, NewKey{}); id != first {
		t.Errorf("a disabled key has not ended: %s", id)
	}
	w.add(time.Hour)
	if id := exists(t, s, NewKey{}); id != "" {
		t.Errorf("%s has expired", id)
	}
	second := newest()
	mustRevoke(t, s, second)
	if id := exists(t, s, NewKey{}); id != "" {
		t.Errorf("%s is revoked", id)
	}
	checkWhole(t, s)
}

// TestIfAbsentAfterARotation means the successor, which has the labels too, and
// the old key where that is gone.
func TestIfAbsentAfterARotation(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	old, _ := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: "db"}})
	_, next, _, err := s.Rotate(old.ID, Rotation{}, By{})
	if err != nil || next.Labels[LabelID] != "db" {
		t.Fatal(next, err)
	}
	if id := exists(t, s, NewKey{}); id != next.ID {
		t.Errorf("%s, want the successor %s", id, next.ID)
	}
	mustRevoke(t, s, next.ID)
	if id := exists(t, s, NewKey{}); id != old.ID {
		t.Errorf("%s, want the retiring key %s", id, old.ID)
	}
	w.add(DefaultOverlap)
	if id := exists(t, s, NewKey{}); id != "" {
		t.Errorf("%s has ended", id)
	}
}

// TestIfAbsentAfterARelabelling: the label counts that a key has now.
func TestIfAbsentAfterARelabelling(t *testing.T) {
	s := openNew(t)
	rec, _ := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: "db"}})
	mustUpdate(t, s, rec.ID, Change{Labels: map[string]*string{LabelID: ptr("db2")}})
	if id := exists(t, s, NewKey{Labels: map[string]string{LabelID: "db2"}}); id != rec.ID {
		t.Errorf("by the new label: %q", id)
	}
	if id := exists(t, s, NewKey{}); id != "" {
		t.Errorf("by the old label: %s", id)
	}
	mustUpdate(t, s, rec.ID, Change{Labels: map[string]*string{LabelID: nil}})
	if id := exists(t, s, NewKey{Labels: map[string]string{LabelID: "db2"}}); id != "" {
		t.Errorf("without the label: %s", id)
	}
	checkWhole(t, s)
}

func TestIfAbsentWantsTheLabel(t *testing.T) {
	s := openNew(t)
	for _, labels := range []map[string]string{{}, {"env": "prod"}, {LabelID: ""}} {
		_, _, err := s.Create(ifAbsent(NewKey{Labels: labels}), By{})
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "if_absent" {
			t.Errorf("%v: %v", labels, err)
		}
	}
}

// TestIfAbsentIsNotLedAstray: an entry that leads to another key means nothing.
func TestIfAbsentIsNotLedAstray(t *testing.T) {
	s := openNew(t)
	for _, k := range []NewKey{{Account: "other", Labels: map[string]string{LabelID: "db"}}, {Labels: map[string]string{LabelID: "db2"}}, {}} {
		rec, _ := mustCreate(t, s, k)
		id, _ := parseID(rec.ID)
		spoil(t, s, func(w *writer) { _ = w.finds.Put(append(labelFind("default", "default", "db"), id[:]...), nil) })
	}
	if got := exists(t, s, NewKey{}); got != "" {
		t.Errorf("%s is another key", got)
	}
}

// TestIfAbsentWithADamagedIndex: as soon as a census has told of it, the records
// themselves are asked; and what leads elsewhere is not believed.
func TestIfAbsentWithADamagedIndex(t *testing.T) {
	s := openNew(t)
	rec, _ := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: "db"}})
	other, _ := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: "other"}})
	id, _ := parseID(rec.ID)
	otherID, _ := parseID(other.ID)
	spoil(t, s, func(w *writer) {
		_ = w.finds.Delete(append(labelFind("default", "default", "db"), id[:]...))
		_ = w.finds.Put(append(labelFind("default", "default", "db"), otherID[:]...), nil)
		_ = w.finds.Put(append(labelFind("default", "default", "db"), make([]byte, 16)...), nil)
	})
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 1 {
		t.Fatalf("%+v, %v", s.Stats(), err)
	}
	if got := exists(t, s, NewKey{}); got != rec.ID {
		t.Errorf("%q, want %s", got, rec.ID)
	}
	mustUpdate(t, s, rec.ID, Change{Name: ptr("x")}) // mends the entry
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 0 {
		t.Fatalf("%+v, %v", s.Stats(), err)
	}
	if got := exists(t, s, NewKey{}); got != rec.ID {
		t.Errorf("mended: %q, want %s", got, rec.ID)
	}
	checkWhole(t, s)
}
