package keystore

import (
	"fmt"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestEveryBitOfAPrefix: a flipped bit in the name or the value of a prefix
// entry is refused at the start; or else the keys under it would be unknown,
// without a word.
func TestEveryBitOfAPrefix(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path, Prefix: "old_"})
	mustCreate(t, s, NewKey{})
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path})
	mustCreate(t, s, NewKey{})
	name := []byte(metaPrefix + "old_")
	entry := append(name, s.hasher.tag(tagMeta, name, nil)...) // name and value are neighbours on a page
	mustClose(t, s)
	f := openRaw(t, path)
	offsets := places(t, f, entry)
	for i := range entry {
		for bit := range 8 {
			flip(t, f, bit, offsets...)
			if s, err := Open(Options{Path: path}); err == nil {
				t.Errorf("byte %d, bit %d: opened with the prefixes %v", i, bit, s.Prefixes())
				_ = s.release()
			} else if !strings.Contains(err.Error(), "restore a backup") {
				t.Errorf("byte %d, bit %d: no way on: %v", i, bit, err)
			}
			flip(t, f, bit, offsets...)
		}
		for j := range offsets {
			offsets[j]++
		}
	}
	mustOpen(t, Options{Path: path})
}

// TestOpenRefusesUnknownNames of values, and a bucket where a value should be.
func TestOpenRefusesUnknownNames(t *testing.T) {
	for _, name := range []string{"x", "prefix", "qrefix:old_", "time_mark2", "zz"} {
		path := newPath(t)
		mustClose(t, mustOpen(t, Options{Path: path}))
		inMeta(t, path, func(meta *bolt.Bucket) error { return meta.Put([]byte(name), []byte("1")) })
		_ = unopened(t, Options{Path: path}, fmt.Sprintf("%q", name))
	}
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	inMeta(t, path, func(meta *bolt.Bucket) error {
		_, err := meta.CreateBucket([]byte("inner"))
		return err
	})
	_ = unopened(t, Options{Path: path}, "restore a backup")
}
