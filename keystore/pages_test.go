package keystore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// placesOn are the copies of a text on pages of a kind.
func placesOn(raw, text []byte, kind uint16) (offsets []int64) {
	page := os.Getpagesize()
	for at := 0; ; at++ {
		i := bytes.Index(raw[at:], text)
		if i < 0 {
			return offsets
		}
		at += i
		if start := at / page * page; binary.NativeEndian.Uint16(raw[start+8:]) == kind {
			offsets = append(offsets, int64(at))
		}
	}
}

// paged is the file of a store with many pages in each bucket.
type paged struct {
	raw  []byte
	path string
	ids  []string
	keys map[string][][]byte // by bucket: keys that begin a page, and some that do not
}

func newPaged(t *testing.T) paged {
	t.Helper()
	const many = 250
	s := mustOpen(t, Options{Path: newPath(t)})
	s.db.NoSync = true
	p := paged{path: newPath(t), keys: map[string][][]byte{}}
	for i := range many {
		rec, _ := mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: fmt.Sprint(i)}, Once: fmt.Sprint(i)})
		p.ids = append(p.ids, rec.ID)
	}
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	p.raw = raw
	_ = s.view(func(r *reader) error {
		for name, b := range map[string]*bolt.Bucket{"finds": r.finds, "audit": r.audit, "once": r.once, "onces": r.onces} {
			_ = b.ForEach(func(k, v []byte) error {
				if placesOn(raw, k, branchPage) != nil || rand.IntN(20) == 0 {
					p.keys[name] = append(p.keys[name], append(bytes.Clone(k), v[:min(len(v), 16)]...))
				}
				return nil
			})
		}
		return nil
	})
	return p
}

// flipped is the store with one bit flipped in a key, where it stands and not
// on the page above.
func (p paged) flipped(t *testing.T, key []byte, at, bit int) *Store {
	t.Helper()
	raw := bytes.Clone(p.raw)
	for _, off := range placesOn(raw, key, leafPage) {
		raw[int(off)+at] ^= 1 << bit
	}
	if err := os.WriteFile(p.path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Path: p.path})
	if err != nil {
		t.Fatal(err)
	}
	s.db.NoSync = true
	return s
}

// TestChangesBesideADamagedPlace: a flipped bit in a key of the lesser buckets
// keeps no change from being made, then or later.
func TestChangesBesideADamagedPlace(t *testing.T) {
	p := newPaged(t)
	for name, keys := range p.keys {
		for _, key := range keys {
			length := map[string]int{"audit": 8, "once": 32}[name]
			if length == 0 {
				length = len(key)
			}
			at, bit := rand.IntN(length), rand.IntN(8)
			s := p.flipped(t, key, at, bit)
			if problem := p.change(s); problem != "" {
				t.Errorf("%s %x, byte %d, bit %d: %s", name, key, at, bit, problem)
			}
			_ = s.release()
		}
		t.Logf("%s: %d keys", name, len(keys))
	}
}

// change makes many changes all over the pages.
func (p paged) change(s *Store) (problem string) {
	for n := range 30 {
		if _, err := s.Revoke(p.ids[n*8], By{}); err != nil {
			return fmt.Sprintf("revoke %d: %v", n, err)
		}
		k := NewKey{Name: "x", Permission: Read, Labels: map[string]string{LabelID: fmt.Sprint("x", n)}, Once: fmt.Sprint("x", n)}
		if _, _, err := s.Create(k, By{Actor: "uid:1"}); err != nil {
			return fmt.Sprintf("create %d: %v", n, err)
		}
	}
	return ""
}

// TestTheLastAuditRecordIsMended: whichever bit of its number is flipped, the next
// change puts it right, and the chain goes on from it.
func TestTheLastAuditRecordIsMended(t *testing.T) {
	s := openNew(t)
	for range 5 {
		mustCreate(t, s, NewKey{})
	}
	last := s.AuditHead()
	raw, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	p := paged{raw: raw, path: newPath(t)}
	for at := range 8 {
		s := p.flipped(t, append(auditKey(last.Seq), last.Link[:]...), at, rand.IntN(8))
		if r, err := s.VerifyAudit(&last); err != nil || r.Finding != AuditBroken || r.At != last.Seq {
			t.Errorf("byte %d: %+v, %v", at, r, err)
		}
		mustCreate(t, s, NewKey{})
		mustVerify(t, s, &last)
		_ = s.release()
	}
}
