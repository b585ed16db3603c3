package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
)

// tally counts what came of damage to the file.
type tally struct{ detected, harmless, refused, undetected, undone int }

func (n tally) String() string {
	return fmt.Sprintf("%d detected, %d harmless, %d refused at open; undetected raises %d, silently undone changes %d",
		n.detected, n.harmless, n.refused, n.undetected, n.undone)
}

// sample is a closed store with a read key and a revoked key, and what a check
// must never say about them.
type sample struct {
	path          string
	live, revoked string // texts
	liveRecord    *Record
	revokedRecord *Record
}

func newSample(t testing.TB) sample {
	t.Helper()
	s := mustOpen(t, Options{Path: newPath(t)})
	live, liveText := mustCreate(t, s, NewKey{Permission: Read, Expiry: ExpiresIn(MaxLifetime)})
	gone, goneText := mustCreate(t, s, NewKey{Permission: Read})
	// The revoke is the last transaction, as Close is not called on this store.
	gone = mustRevoke(t, s, gone.ID)
	path := newPath(t)
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	return sample{path: path, live: liveText, revoked: goneText, liveRecord: live, revokedRecord: gone}
}

// judge opens the damaged store and looks both keys up.
func (sm sample) judge(n *tally) {
	s, err := Open(Options{Path: sm.path, CacheRecords: 2})
	if err != nil {
		n.refused++
		return
	}
	defer func() { _ = s.release() }() // without the write of Close
	before := *n
	n.count(s, sm.live, sm.liveRecord)
	n.count(s, sm.revoked, sm.revokedRecord)
	if *n == before {
		n.harmless++
	}
}

// count compares a look-up with the record that was written.
func (n *tally) count(s *Store, text string, want *Record) {
	got, err := s.Lookup(text)
	switch {
	case err != nil:
		if !errors.Is(err, ErrUnknownKey) {
			n.detected++
		} else {
			n.refused++ // a denial as for an unknown key
		}
	case same(got, want):
	case want.Status(s.Now()) == Revoked && got.Status(s.Now()) != Revoked:
		n.undone++
	default:
		n.undetected++
	}
}

// flip inverts one bit at each of the offsets.
func flip(t testing.TB, f *os.File, bit int, offsets ...int64) {
	t.Helper()
	for _, off := range offsets {
		var b [1]byte
		if _, err := f.ReadAt(b[:], off); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1 << bit
		if _, err := f.WriteAt(b[:], off); err != nil {
			t.Fatal(err)
		}
	}
}

// places finds every copy of a text in the file: bbolt leaves old pages behind.
func places(t testing.TB, f *os.File, text []byte) (offsets []int64) {
	t.Helper()
	raw, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; at++ {
		i := bytes.Index(raw[at:], text)
		if i < 0 {
			break
		}
		at += i
		offsets = append(offsets, int64(at))
	}
	if len(offsets) == 0 {
		t.Fatal("not in the file")
	}
	return offsets
}

func openRaw(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestEveryBitOfARecord: no record is readable with more permission than was
// written. Every bit of a record, of its tag and of the digest that it stands
// under is flipped in turn in the real file, in every copy of it.
func TestEveryBitOfARecord(t *testing.T) {
	sm := newSample(t)
	f := openRaw(t, sm.path)
	h := newHasher(nil)
	for _, c := range []struct {
		text string
		rec  *Record
	}{{sm.live, sm.liveRecord}, {sm.revoked, sm.revokedRecord}} {
		digest := h.digest(c.text)
		encoded, err := appendRecord(nil, c.rec)
		if err != nil {
			t.Fatal(err)
		}
		value := append(encoded, h.tag(tagRecord, digest[:], encoded)...)
		inKeys := append(digest[:], value...) // key and value are neighbours on a page
		var n tally
		offsets := places(t, f, inKeys)
		for range inKeys {
			for bit := range 8 {
				flip(t, f, bit, offsets...)
				sm.judge(&n)
				flip(t, f, bit, offsets...)
			}
			for j := range offsets {
				offsets[j]++
			}
		}
		t.Logf("%d bits: %v", 8*len(inKeys), n)
		if n.undetected != 0 || n.undone != 0 || n.harmless != 0 || n.detected != 8*len(value) {
			t.Error("a flipped bit of a record was not detected")
		}
	}
	var n tally
	if sm.judge(&n); n != (tally{harmless: 1}) {
		t.Errorf("the file is not what it was: %v", n)
	}
}

// TestEveryBitOfBothMetaPages: a damaged meta page never silently undoes the
// last change, here a revoke.
func TestEveryBitOfBothMetaPages(t *testing.T) {
	sm := newSample(t)
	f := openRaw(t, sm.path)
	metas, err := readMetas(f)
	if err != nil {
		t.Fatal(err)
	}
	page := metas[0].pageSize
	for i := range int64(2) {
		var n tally
		for off := i * page; off < (i+1)*page; off++ {
			if testing.Short() && off-i*page > 2*metaEnd && off%61 != 0 {
				continue
			}
			for bit := range 8 {
				flip(t, f, bit, off)
				sm.judge(&n)
				flip(t, f, bit, off)
			}
		}
		t.Logf("meta page %d: %v", i, n)
		if n.undetected != 0 || n.undone != 0 || n.detected != 0 || n.refused != 8*(metaEnd-metaStart) {
			t.Error("a flipped bit of a meta page was neither refused nor harmless")
		}
	}
}

// TestStaleMetaPage: an older, sound meta page in the place of the newest one is
// refused like a damaged one. (The one that was there just before it is not:
// then the file is what a crash before the last commit leaves.)
func TestStaleMetaPage(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t)})
	f := openRaw(t, s.path)
	rec, _ := mustCreate(t, s, NewKey{})
	metas, err := readMetas(f)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := newestMeta(metas)
	for i := range 3 {
		if _, err := s.Rename(rec.ID, fmt.Sprint(i), By{}); err != nil {
			t.Fatal(err)
		}
	}
	mustRevoke(t, s, rec.ID)
	path := newPath(t)
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[int64(old.txnID%2)*old.pageSize:], old.raw[:])
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if err := unopened(t, Options{Path: path}, "out of date"); !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
}
