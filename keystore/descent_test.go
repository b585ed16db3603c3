package keystore

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// madeBy makes a key as another key does.
func mustMake(t testing.TB, s *Store, maker string, k NewKey) *Record {
	t.Helper()
	k.Name, k.Permission = "n", Read
	rec, _, err := s.Create(k, By{Actor: madeBy + maker})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// family is a key, a, with what descends from it, and strangers.
//
//	root -> a -> b (revoked) -> c
//	     -> d, rotated by a into e -> f
//	     -> g (expired) -> h (disabled)
//	other -> i; root rotated by a person into j -> k
type family map[string]*Record

func newFamily(t *testing.T, w *wall) (*Store, family) {
	t.Helper()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	f := family{}
	f["root"], _ = mustCreate(t, s, NewKey{})
	f["other"], _ = mustCreate(t, s, NewKey{})
	for _, line := range []string{"a root", "b a", "c b", "d root", "i other"} {
		name, maker, _ := strings.Cut(line, " ")
		f[name] = mustMake(t, s, f[maker].ID, NewKey{Account: "acct-" + name})
	}
	var err error
	if f["d"], f["e"], _, err = s.Rotate(f["d"].ID, Rotation{}, By{Actor: madeBy + f["a"].ID}); err != nil {
		t.Fatal(err)
	}
	if f["root"], f["j"], _, err = s.Rotate(f["root"].ID, Rotation{}, By{Actor: "uid:1"}); err != nil {
		t.Fatal(err)
	}
	f["f"] = mustMake(t, s, f["e"].ID, NewKey{})
	f["g"] = mustMake(t, s, f["root"].ID, NewKey{Expiry: ExpiresIn(time.Second)})
	f["h"] = mustMake(t, s, f["g"].ID, NewKey{})
	f["k"] = mustMake(t, s, f["j"].ID, NewKey{})
	f["h"] = mustUpdate(t, s, f["h"].ID, Change{Enabled: ptr(false)})
	f["b"] = mustRevoke(t, s, f["b"].ID)
	w.add(time.Second)
	return s, f
}

// names are the names of records, in order.
func (f family) names(records []*Record) (names []string) {
	for _, rec := range records {
		for name, of := range f {
			if of.ID == rec.ID {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// revoked are the names of all that are, but b, which was before.
func (f family) revoked(t *testing.T, s *Store) (names []string) {
	t.Helper()
	var all []*Record
	for _, rec := range allRecords(t, s) {
		if !rec.RevokedAt.IsZero() && rec.ID != f["b"].ID {
			all = append(all, rec)
		}
	}
	return f.names(all)
}

var descendants = []string{"a", "c", "d", "e", "f", "h", "root"}

// TestRevokeDescendants ends a key and what it made, over every way of descent,
// and nobody else; what had ended stays as it was.
func TestRevokeDescendants(t *testing.T) {
	w := newWall()
	s, f := newFamily(t, w)
	if n, err := s.Made(f["root"].ID); n != len(descendants)-1 || err != nil {
		t.Errorf("made %d, %v", n, err)
	}
	head := s.AuditHead()
	got, err := s.RevokeDescendants(f["root"].ID, By{Actor: "uid:9", Reason: "leaked"})
	if err != nil || got[0].ID != f["root"].ID || !slices.Equal(f.names(got), descendants) || !slices.Equal(f.revoked(t, s), descendants) {
		t.Errorf("%v, in the file %v, %v", f.names(got), f.revoked(t, s), err)
	}
	for _, rec := range got {
		if rec.RevokedAt != w.read() {
			t.Errorf("%+v", rec)
		}
	}
	page, _, err := s.AuditList(AuditQuery{After: head.Seq, Limit: MaxPage})
	if err != nil || len(page) != len(descendants) {
		t.Errorf("%d audit records, %v", len(page), err)
	}
	for _, a := range page {
		want := fields{"revoked_at": stamp(w.read()), "cause": "descendant of " + f["root"].ID}
		if a.KeyID == f["root"].ID {
			delete(want, "cause")
		}
		if a.Action != "revoke" || a.Actor != "uid:9" || a.Reason != "leaked" || !maps.Equal(a.To, want) {
			t.Errorf("audit %+v", a)
		}
	}
	if n, err := s.Made(f["root"].ID); n != 0 || err != nil {
		t.Errorf("made %d after all, %v", n, err)
	}
	checkWhole(t, s)
	head = s.AuditHead()
	w.add(time.Hour)
	if again, err := s.RevokeDescendants(f["root"].ID, By{}); err != nil || len(again) != 1 || again[0].ID != f["root"].ID || again[0].RevokedAt != got[0].RevokedAt || s.AuditHead() != head {
		t.Errorf("again: %v, %v", f.names(again), err)
	}
}

// TestRevokeDescendantsOfAnEndedKey: what a key made outlives it, and can be
// ended afterwards.
func TestRevokeDescendantsOfAnEndedKey(t *testing.T) {
	s, f := newFamily(t, newWall())
	for maker, want := range map[string][]string{"b": {"c"}, "g": {"h"}} {
		if n, err := s.Made(f[maker].ID); n != 1 || err != nil {
			t.Errorf("%s made %d, %v", maker, n, err)
		}
		got, err := s.RevokeDescendants(f[maker].ID, By{})
		if err != nil || len(got) != 2 || got[0].ID != f[maker].ID || !slices.Equal(f.names(got[1:]), want) {
			t.Errorf("%s: %v, %v", maker, f.names(got), err)
		}
	}
	if got, err := s.Get(f["g"].ID); err != nil || !same(got, f["g"]) {
		t.Errorf("the expired one is %+v, %v", got, err)
	}
}

func TestDescentOfUnknownKeys(t *testing.T) {
	s := openNew(t)
	var missing *NotFoundError
	for _, id := range []string{"", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
		if got, err := s.RevokeDescendants(id, By{}); !errors.As(err, &missing) || got != nil {
			t.Errorf("%q: %v, %v", id, got, err)
		}
	}
	if _, err := s.Made("x"); !errors.As(err, &missing) {
		t.Error(err)
	}
	if n, err := s.Made("01ARZ3NDEKTSV4RRFFQ69G5FAV"); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestDescentWithADamagedIndex: whatever is wrong with ids and finds, nobody
// hides from the revoke; and what leads elsewhere counts nobody twice, nor one
// that was not made.
func TestDescentWithADamagedIndex(t *testing.T) {
	for name, damage := range map[string]func(w *writer, f family){
		"no finds": func(w *writer, _ family) { w.finds, _ = refill(w.finds.Tx(), bucketFinds, nil) },
		"no ids":   func(w *writer, _ family) { w.ids, _ = refill(w.ids.Tx(), bucketIDs, nil) },
		"strays": func(w *writer, f family) {
			root, _ := parseID(f["root"].ID)
			for _, name := range []string{"root", "i", "c", "other"} {
				id, _ := parseID(f[name].ID)
				_ = w.finds.Put(append(madeFind(root), id[:]...), nil)
			}
			_ = w.finds.Put(append(madeFind(root), make([]byte, 16)...), nil)
		},
	} {
		s, f := newFamily(t, newWall())
		spoil(t, s, func(w *writer) { damage(w, f) })
		if n, err := s.Made(f["root"].ID); err != nil || n > len(descendants)-1 || name == "strays" && n != len(descendants)-1 {
			t.Errorf("%s: made %d, %v", name, n, err)
		}
		got, err := s.RevokeDescendants(f["root"].ID, By{})
		if err != nil || !slices.Equal(f.names(got), descendants) || !slices.Equal(f.revoked(t, s), descendants) {
			t.Errorf("%s: %v, in the file %v, %v", name, f.names(got), f.revoked(t, s), err)
		}
		if name != "strays" {
			checkWhole(t, s)
		}
	}
}

// TestMadeStopsCounting, and is not led in circles.
func TestMadeStopsCounting(t *testing.T) {
	s := openNew(t)
	root, _ := mustCreate(t, s, NewKey{})
	makeMany(t, s, MaxMade+chunk, func(_ int, rec *Record) { rec.CreatedBy = madeBy + root.ID })
	if n, err := s.Made(root.ID); n != MaxMade || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	m := &making{now: s.Now(), seen: nil, makers: nil}
	if !m.done() {
		t.Error("nothing to do is not done")
	}
	a, b := mustMake(t, s, root.ID, NewKey{}), mustMake(t, s, root.ID, NewKey{})
	spoilRecord(t, s, a, func(rec *Record) { rec.CreatedBy = madeBy + b.ID })
	spoilRecord(t, s, b, func(rec *Record) { rec.CreatedBy = madeBy + a.ID })
	within(t, "counting in circles", func() {
		if n, err := s.Made(a.ID); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	within(t, "revoking in circles", func() {
		if got, err := s.RevokeDescendants(a.ID, By{}); len(got) != 2 || err != nil {
			t.Errorf("%d, %v", len(got), err)
		}
	})
}

// TestStalledReadAcrossRevokingMany: like that across one revoke, and for
// records that were cached.
func TestStalledReadAcrossRevokingMany(t *testing.T) {
	for name, revoke := range map[string]func(s *Store, root *Record) error{
		"all": func(s *Store, _ *Record) error {
			_, err := s.RevokeAll(Filter{Account: "default"}, false, By{})
			return err
		},
		"descendants": func(s *Store, root *Record) error { _, err := s.RevokeDescendants(root.ID, By{}); return err },
	} {
		s := openNew(t)
		root, _ := mustCreate(t, s, NewKey{})
		texts := make([]string, 3)
		for i := range texts {
			_, text, err := s.Create(NewKey{Name: "n", Permission: Read}, By{Actor: madeBy + root.ID})
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = text.Reveal()
		}
		mustLookup(t, s, texts[1]) // cached
		read, goOn, stalled := make(chan struct{}), make(chan struct{}), make(chan *Record)
		s.testingOnlyAfterRead = func() {
			close(read)
			<-goOn
		}
		go func() {
			got, _ := s.Lookup(texts[0])
			stalled <- got
		}()
		<-read
		s.testingOnlyAfterRead = nil
		if err := revoke(s, root); err != nil {
			t.Fatal(err)
		}
		close(goOn)
		if got := <-stalled; got == nil || !got.RevokedAt.IsZero() {
			t.Errorf("%s: the stalled look-up was to see the old record, got %+v", name, got)
		}
		for i, text := range texts {
			if st := mustLookup(t, s, text).Status(s.Now()); st != Revoked {
				t.Errorf("%s: a look-up of %d after the revoke says %s", name, i, st)
			}
		}
	}
}

// TestRevokeManyWholeOrNotAtAll: a failure on the way leaves nobody revoked.
func TestRevokeManyWholeOrNotAtAll(t *testing.T) {
	s, f := newFamily(t, newWall())
	head := s.AuditHead()
	err := s.apply(By{}, func(w *writer) error {
		n := 0
		kin := kinship{}
		w.eachRecord(kin.add)
		_, err := w.endAll(kin.familyOf(f["root"].ID), nil, func(*Record) string {
			if n++; n == 3 {
				panic("half way")
			}
			return "x"
		})
		return err
	})
	if err == nil || s.AuditHead() != head || len(f.revoked(t, s)) != 0 {
		t.Errorf("%v, revoked %v", err, f.revoked(t, s))
	}
	checkWhole(t, s)
}

// TestManyAreRevokedWithWhatArrivedMeanwhile: an import that is finished between
// the survey and the change brings ids of its own, and hides nobody.
func TestManyAreRevokedWithWhatArrivedMeanwhile(t *testing.T) {
	s := openNew(t)
	s.bounds = tiny
	root, _ := mustCreate(t, s, NewKey{Permission: Full})
	by := By{Actor: madeBy + root.ID}
	id, err := s.BeginImport(false, by)
	if err != nil {
		t.Fatal(err)
	}
	line := ImportLine{Number: 1, Key: NewSecret("elsewhere-0123456789abcdef"), Name: "n", Permission: "read"}
	if bad, err := s.AddToImport(id, []ImportLine{line}, ImportRights{}, by); bad != nil || err != nil {
		t.Fatal(bad, err)
	}
	mustCreate(t, s, NewKey{}) // with a higher id
	kin := kinship{}
	v, err := s.look(By{}, kin.add)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.FinishImport(id, by); err != nil {
		t.Fatal(err)
	}
	err = s.apply(By{}, func(w *writer) error {
		_, err := w.revokeFamily(root.ID, v, kin)
		return err
	})
	if got := mustLookup(t, s, "elsewhere-0123456789abcdef"); err != nil || got.Status(s.Now()) != Revoked {
		t.Errorf("%v, the key that arrived is %s", err, got.Status(s.Now()))
	}
}
