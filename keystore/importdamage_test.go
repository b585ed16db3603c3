package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
)

// TestImportBesideADamagedPlace: where a flipped bit has broken the order of a
// bucket, an import that is finished brings all its keys, one that is aborted
// leaves nothing, and neither costs a key that worked before, nor undoes a
// change.
func TestImportBesideADamagedPlace(t *testing.T) {
	const many = 300
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	s.db.NoSync = true
	var texts []string
	for n := range many {
		_, text := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: fmt.Sprint(n)}})
		texts = append(texts, text)
	}
	mustClose(t, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 90
	if testing.Short() {
		rounds = 20
	}
	refused := 0
	for n := range rounds {
		if err := os.WriteFile(path, whole, fileMode); err != nil {
			t.Fatal(err)
		}
		damagePlace(t, path, n)
		s, err := Open(Options{Path: path, CacheRecords: 1})
		if err != nil {
			refused++ // the way to the meta values led over the damage
			continue
		}
		s.db.NoSync = true
		s.bounds = importBounds{held: 40, records: 20, entries: 40}
		importBesideDamage(t, s, texts)
		_ = s.release()
	}
	t.Logf("%d of %d files were refused", refused, rounds)
	if refused > rounds/4 {
		t.Error("little was put to the test")
	}
}

// damagePlace flips a bit in a key of keys, ids or finds, on a leaf or above it.
func damagePlace(t *testing.T, path string, n int) {
	t.Helper()
	var places [][]byte
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	err = s.view(func(tx *reader) error {
		b := []interface {
			ForEach(func(k, v []byte) error) error
		}{tx.keys, tx.ids, tx.finds}[n%3]
		return b.ForEach(func(k, v []byte) error {
			places = append(places, append(bytes.Clone(k), v[:min(len(v), 16)]...))
			return nil
		})
	})
	if err = errors.Join(err, s.release()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	place := places[rand.IntN(len(places))]
	length := []int{32, 16, 30}[n%3]
	var offsets []int64
	if n%2 == 0 { // above the leaves, where there is such a key
		for _, p := range places {
			if found := placesOn(raw, p[:length], branchPage); found != nil {
				offsets = found
				break
			}
		}
	}
	if offsets == nil {
		offsets = placesOn(raw, place, leafPage)
	}
	at, bit := rand.Int64N(int64(length)), rand.IntN(8)
	for _, off := range offsets {
		raw[off+at] ^= 1 << bit
	}
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
}

func importBesideDamage(t *testing.T, s *Store, texts []string) {
	t.Helper()
	working := map[string]string{} // text to id
	for _, text := range texts {
		if rec, err := s.Lookup(text); err == nil {
			working[text] = rec.ID
		}
	}
	aborted := mustBegin(t, s)
	mustAdd(t, s, aborted, labelled(0, 60)...)
	if err := s.AbortImport(aborted, importer); err != nil {
		t.Fatal(err)
	}
	finished := mustBegin(t, s)
	mustAdd(t, s, finished, labelled(0, 60)...)
	mustFinish(t, s, finished, 60)
	if err := s.SweepImports(context.Background()); err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		rec := mustLookup(t, s, foreignText(n))
		if n%6 != 0 {
			continue
		}
		mustRevoke(t, s, rec.ID)
		if st := mustLookup(t, s, foreignText(n)).Status(s.Now()); st != Revoked {
			t.Errorf("the revoke of an imported key is undone: %s", st)
		}
	}
	for text, id := range working {
		rec, err := s.Lookup(text)
		if err != nil || rec.ID != id {
			t.Errorf("key %s is lost: %v", id, err)
			continue
		}
		if rand.IntN(12) != 0 {
			continue
		}
		mustRevoke(t, s, id)
		if st := mustLookup(t, s, text).Status(s.Now()); st != Revoked {
			t.Errorf("a revoke is undone: %s", st)
		}
	}
}

// TestIDsOfAnImportBesideADamagedOne: where the last id of the index is damaged,
// those of an import still tell the time.
func TestIDsOfAnImportBesideADamagedOne(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, NewKey{})
	rec, _ := mustCreate(t, s, NewKey{})
	err := s.apply(By{}, func(w *writer) error {
		last, digest := w.ids.Cursor().Last()
		wrong := append([]byte{last[0] | 0x80}, last[1:]...)
		return errors.Join(w.ids.Put(wrong, bytes.Clone(digest)), w.ids.Delete(bytes.Clone(last)))
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.Now()
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 30)...)
	mustFinish(t, s, id, 30)
	last := rec.ID
	for n := range 30 {
		rec := mustLookup(t, s, foreignText(n))
		raw, _ := parseID(rec.ID)
		if at := ulid.Time(raw.Time()); rec.ID <= last || at.Before(before.Truncate(time.Millisecond)) || at.After(s.Now()) {
			t.Fatalf("%s after %s, of %s", rec.ID, last, at)
		}
		last = rec.ID
	}
}

// TestSweepBesideADamagedPlace: where a flipped bit has broken the order of a
// bucket, what is left of an import still goes, all of it, and it costs no key
// that worked before.
func TestSweepBesideADamagedPlace(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	s.db.NoSync = true
	var texts []string
	for n := range 100 {
		_, text := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: fmt.Sprint(n)}})
		texts = append(texts, text)
	}
	s.bounds = importBounds{held: 40, records: 20, entries: 40}
	mustAdd(t, s, mustBegin(t, s), labelled(0, 400)...)
	pending := idsOfImports(t, s)
	mustClose(t, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		if err := os.WriteFile(path, whole, fileMode); err != nil {
			t.Fatal(err)
		}
		damagePlace(t, path, n)
		s, err := Open(Options{Path: path, CacheRecords: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.db.NoSync = true
		s.bounds = importBounds{held: 100, records: []int{30, 2}[n/3%2], entries: 100}
		sweepBesideDamage(t, s, texts, pending)
		_ = s.release()
	}
}

func sweepBesideDamage(t *testing.T, s *Store, texts []string, pending map[ulid.ULID]bool) {
	t.Helper()
	working := map[string]string{} // text to id
	for _, text := range texts {
		if rec, err := s.Lookup(text); err == nil {
			working[text] = rec.ID
		}
	}
	if err := s.SweepImports(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := idsOfImports(t, s); len(left) != 0 {
		t.Errorf("%d records are left", len(left))
	}
	mustNotLeadTo(t, s, pending)
	for text, id := range working {
		if rec, err := s.Lookup(text); err != nil || rec.ID != id {
			t.Errorf("key %s is lost: %v", id, err)
		}
	}
	id := mustBegin(t, s)
	s.bounds = defaultBounds
	mustAdd(t, s, id, labelled(0, 400)...)
	mustFinish(t, s, id, 400)
	for n := range 400 {
		mustLookup(t, s, foreignText(n))
	}
}

// idsOfImports are the ids of all records that an import has brought.
func idsOfImports(t *testing.T, s *Store) map[ulid.ULID]bool {
	t.Helper()
	ids := map[ulid.ULID]bool{}
	err := s.view(func(tx *reader) error {
		return tx.keys.ForEach(func(_, v []byte) error {
			if readLink(v[importOffset:importOffset+16]) != "" {
				ids[ulid.ULID(v[idOffset:idOffset+16])] = true
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// mustNotLeadTo checks that no entry of ids and finds is of one of these keys.
func mustNotLeadTo(t *testing.T, s *Store, gone map[ulid.ULID]bool) {
	t.Helper()
	check := func(k, _ []byte) error {
		if id := ulid.ULID(k[len(k)-16:]); gone[id] {
			return fmt.Errorf("%x leads to what is gone", k)
		}
		return nil
	}
	err := s.view(func(tx *reader) error { return errors.Join(tx.ids.ForEach(check), tx.finds.ForEach(check)) })
	if err != nil {
		t.Error(err)
	}
}

func labelled(from, count int) []ImportLine {
	lines := foreigners(from, count)
	for i := range lines {
		lines[i].Labels = map[string]string{LabelID: fmt.Sprint("imported ", from+i)}
	}
	return lines
}
