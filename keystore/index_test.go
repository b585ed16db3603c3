package keystore

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// indexed is a closed store of five keys, its file, and where in it the entry
// of the third key stands in the index.
type indexed struct {
	raw     []byte
	ids     []string
	texts   []string
	entries []int // offsets of each copy: bbolt leaves old pages behind
	length  int
}

func newIndexed(t *testing.T) indexed {
	t.Helper()
	s := mustOpen(t, Options{Path: newPath(t)})
	var x indexed
	for range 5 {
		rec, text := mustCreate(t, s, NewKey{})
		x.ids, x.texts = append(x.ids, rec.ID), append(x.texts, text)
	}
	id, _ := parseID(x.ids[2])
	digest := s.hasher.digest(x.texts[2])
	entry := append(id[:], digest[:]...) // key and value are neighbours on a page
	mustClose(t, s)
	for _, off := range places(t, openRaw(t, s.path), entry) {
		x.entries = append(x.entries, int(off))
	}
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	x.raw, x.length = raw, len(entry)
	return x
}

// flipped is the store with one bit of the entry flipped.
func (x indexed) flipped(t *testing.T, path string, at, bit int, faults *[]string) *Store {
	t.Helper()
	raw := bytes.Clone(x.raw)
	for _, off := range x.entries {
		raw[off+at] ^= 1 << bit
	}
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{
		Path:         path,
		OnCorrupt:    func(id string) { t.Errorf("byte %d, bit %d: %s is said to be denied", at, bit, id) },
		OnIndexFault: func(id string) { *faults = append(*faults, id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryBitOfAnIndexEntry: whichever bit of the entry is flipped, id or
// digest, the key is listed, found, and can be revoked; so are its neighbours,
// before and after.
func TestEveryBitOfAnIndexEntry(t *testing.T) {
	x, path := newIndexed(t), newPath(t)
	for at := range x.length {
		for bit := range 8 {
			if testing.Short() && (at+bit)%8 != 0 {
				continue
			}
			x.judge(t, path, at, bit)
		}
	}
}

func (x indexed) judge(t *testing.T, path string, at, bit int) {
	t.Helper()
	var faults []string
	s := x.flipped(t, path, at, bit, &faults)
	defer func() { _ = s.release() }()
	complain := func(what string, err error) {
		if err != nil {
			t.Errorf("byte %d, bit %d: %s: %v", at, bit, what, err)
		}
	}
	x.listed(t, s, at, bit)
	if census, err := s.Census(); err != nil || census.ByStatus[Active] != 5 || len(census.ByStatus) != 1 || s.Stats().Unindexed == 0 || !slices.Contains(faults, x.ids[2]) {
		t.Errorf("byte %d, bit %d: census %v, %v, faults %v", at, bit, census, err, faults)
	}
	for _, i := range []int{2, 1, 3} {
		mustLookup(t, s, x.texts[i])
		_, err := s.Get(x.ids[i])
		complain("get", err)
		_, err = s.Revoke(x.ids[i], By{})
		complain("revoke", err)
		if got := mustLookup(t, s, x.texts[i]); got.Status(s.Now()) != Revoked {
			t.Errorf("byte %d, bit %d: %d is %s after a revoke", at, bit, i, got.Status(s.Now()))
		}
		x.listed(t, s, at, bit)
	}
	_, _, _, err := s.Rotate(x.ids[4], Rotation{}, By{})
	complain("rotate", err)
}

// listed walks over all pages, of every size.
func (x indexed) listed(t *testing.T, s *Store, at, bit int) {
	t.Helper()
	for limit := 1; limit <= 6; limit++ {
		if got := walk(t, s, Filter{}, limit); !slices.Equal(got, x.ids) {
			t.Errorf("byte %d, bit %d: by %d: listed %v, want %v", at, bit, limit, got, x.ids)
		}
	}
}

// TestChangeMendsTheIndex: the next reader needs no scan.
func TestChangeMendsTheIndex(t *testing.T) {
	x, path := newIndexed(t), newPath(t)
	var faults []string
	s := x.flipped(t, path, 20, 3, &faults) // in the digest
	defer mustClose(t, s)
	mustRevoke(t, s, x.ids[2])
	if len(faults) != 1 || faults[0] != x.ids[2] {
		t.Errorf("faults %v", faults)
	}
	if _, err := s.Get(x.ids[2]); err != nil || len(faults) != 1 {
		t.Errorf("after a change: %v, faults %v", err, faults)
	}
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 0 || len(faults) != 1 {
		t.Errorf("after a change: %+v, faults %v", s.Stats(), faults)
	}
}

// TestEntryIsGone: a key that the index does not have at all is found by id, and
// listed as soon as a census has seen it.
func TestEntryIsGone(t *testing.T) {
	var faults []string
	s := mustOpen(t, Options{Path: newPath(t), OnIndexFault: func(id string) { faults = append(faults, id) }})
	var ids []string
	for range 3 {
		rec, _ := mustCreate(t, s, NewKey{})
		ids = append(ids, rec.ID)
	}
	err := s.apply(By{}, func(w *writer) error {
		raw, _ := parseID(ids[1])
		return w.ids.Delete(raw[:])
	})
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := s.Get(ids[1]); err != nil || rec.ID != ids[1] || len(faults) != 1 {
		t.Errorf("%+v, %v, faults %v", rec, err, faults)
	}
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 1 || len(faults) != 2 {
		t.Errorf("%v, %+v, faults %v", err, s.Stats(), faults)
	}
	if got := walk(t, s, Filter{}, 2); !slices.Equal(got, ids) {
		t.Errorf("listed %v, want %v", got, ids)
	}
	mustRevoke(t, s, ids[1])
	if _, err := s.Census(); err != nil || s.Stats().Unindexed != 0 {
		t.Errorf("%v, %+v", err, s.Stats())
	}
	if _, err := s.Get("01ARZ3NDEKTSV4RRFFQ69G5FAV"); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("an id that no key has: %v", err)
	}
}

// TestDamagedRecordSaysWhatIsTrue, wherever the damage is: in the digest that
// the record stands under, in its id, or behind it.
func TestDamagedRecordSaysWhatIsTrue(t *testing.T) {
	for _, at := range []int{5, 31, 33, 40, 50, 90} {
		s := mustOpen(t, Options{Path: newPath(t)})
		rec, text := mustCreate(t, s, NewKey{})
		other, _ := mustCreate(t, s, NewKey{})
		digest := s.hasher.digest(text)
		var value []byte
		if err := s.view(func(r *reader) error { value = bytes.Clone(r.keys.Get(digest[:])); return nil }); err != nil {
			t.Fatal(err)
		}
		path := copyOf(t, s)
		f := openRaw(t, path)
		for _, off := range places(t, f, append(digest[:], value...)) {
			flip(t, f, 0, off+int64(at))
		}
		var alarms []string
		s = mustOpen(t, Options{Path: path, OnCorrupt: func(id string) { alarms = append(alarms, id) }})
		if got, err := s.Lookup(text); err == nil {
			t.Errorf("at %d: %+v", at, got)
		}
		_, err1 := s.Get(rec.ID)
		_, err2 := s.Revoke(rec.ID, By{})
		_, _, _, err3 := s.Rotate(rec.ID, Rotation{}, By{})
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, ErrCorruptRecord) || !strings.Contains(err.Error(), "key "+rec.ID+" is denied and cannot be changed; create a new one instead") {
				t.Errorf("at %d: %v", at, err)
			}
		}
		alarms = nil
		if got := walk(t, s, Filter{}, 1); !slices.Equal(got, []string{other.ID}) || len(alarms) == 0 {
			t.Errorf("at %d: listed %v, alarms %v", at, got, alarms)
		}
		if census, err := s.Census(); err != nil || census.ByStatus[Unreadable] != 1 || census.ByStatus[Active] != 1 {
			t.Errorf("at %d: census %v, %v", at, census, err)
		}
	}
}

// TestIndexOfManyPages: also where damage to one entry leads the search for
// others astray.
func TestIndexOfManyPages(t *testing.T) {
	const many = 250
	s := mustOpen(t, Options{Path: newPath(t)})
	var ids []string
	err := s.apply(By{}, func(w *writer) error {
		for range many {
			rec := Record{Name: "n", Permission: Read, Account: "a", Workspace: "w", Prefix: "ant_"}
			if err := w.add(&rec, NewSecret(mustMint(t, "ant_"))); err != nil {
				return err
			}
			ids = append(ids, rec.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	path := copyOf(t, s)
	f := openRaw(t, path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var digests [many]Digest
	_ = s.view(func(r *reader) error {
		for i, id := range ids {
			if digests[i], _, err = r.byID(id); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	for range 30 {
		i, at, bit := rand.IntN(many), rand.IntN(48), rand.IntN(8)
		if _, err := f.WriteAt(raw, 0); err != nil {
			t.Fatal(err)
		}
		id, _ := parseID(ids[i])
		for _, off := range places(t, f, append(id[:], digests[i][:]...)) {
			flip(t, f, bit, off+int64(at))
		}
		s, err := Open(Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{i, max(i-1, 0), min(i+1, many-1), rand.IntN(many), rand.IntN(many)} {
			if got := walk(t, s, Filter{}, 1+rand.IntN(many)); !slices.Equal(got, ids) {
				t.Errorf("key %d, byte %d, bit %d: listed %d", i, at, bit, len(got))
			}
			if rec, err := s.Revoke(ids[n], By{}); err != nil || rec.ID != ids[n] {
				t.Errorf("key %d, byte %d, bit %d: revoke of %d: %v", i, at, bit, n, err)
			}
		}
		if got := walk(t, s, Filter{Status: Active}, MaxPage); len(got) > many-2 {
			t.Errorf("key %d, byte %d, bit %d: %d are still active", i, at, bit, len(got))
		}
		if c, err := s.Census(); err != nil || c.ByStatus[Active]+c.ByStatus[Revoked] != many {
			t.Errorf("key %d, byte %d, bit %d: census %v, %v", i, at, bit, c, err)
		}
		_ = s.release()
	}
}
