package keystore

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestRevokeBesideADamagedDigest: bbolt would leave the old page reachable, and
// with it the record from before the revoke.
func TestRevokeBesideADamagedDigest(t *testing.T) {
	const many = 120
	s := mustOpen(t, Options{Path: newPath(t)})
	type key struct {
		text, id string
		digest   Digest
	}
	var keys []key
	err := s.apply(By{}, func(w *writer) error {
		for range many {
			rec := Record{Name: "n", Permission: Read, Account: "a", Workspace: "w", Prefix: "ant_"}
			text := mustMint(t, "ant_")
			if err := w.add(&rec, NewSecret(text)); err != nil {
				return err
			}
			keys = append(keys, key{text, rec.ID, w.hasher.digest(text)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(keys, func(a, b key) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	path := copyOf(t, s)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range many - 2 {
		at, bit := rand.IntN(32), rand.IntN(8)
		if err := os.WriteFile(path, raw, fileMode); err != nil {
			t.Fatal(err)
		}
		f := openRaw(t, path)
		id, _ := parseID(keys[i].id)
		inLeaf := append(append(keys[i].digest[:], recordVersion), id[:]...) // and not in the page above
		for _, off := range places(t, f, inLeaf) {
			flip(t, f, bit, off+int64(at))
		}
		s, err := Open(Options{Path: path, CacheRecords: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys[i+1 : i+3] {
			if _, err := s.Lookup(k.text); err != nil {
				continue // it is denied already
			}
			if _, err := s.Revoke(k.id, By{}); err != nil {
				t.Errorf("damage at %d, byte %d, bit %d: revoke: %v", i, at, bit, err)
			} else if rec, err := s.Lookup(k.text); err == nil && rec.RevokedAt.IsZero() {
				t.Errorf("damage at %d, byte %d, bit %d: a revoke is undone", i, at, bit)
			}
		}
		mustCreate(t, s, NewKey{})
		_ = s.release()
		_ = f.Close()
	}
}
