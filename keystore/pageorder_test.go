package keystore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// deepBucket makes a file with a bucket of three levels, in which some values
// take pages of their own, and returns its keys in order.
func deepBucket(t *testing.T, path string) (keys [][]byte) {
	t.Helper()
	db := openDeep(t, path)
	err := db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		for i := range 4_000 {
			k := fmt.Appendf(nil, "%016x%064d", rand.Uint64(), i)
			v := make([]byte, 10)
			if i%500 == 0 {
				v = make([]byte, 3*os.Getpagesize())
			}
			keys = append(keys, k)
			err = errors.Join(err, b.Put(k, v))
		}
		return err
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(keys, bytes.Compare)
	return keys
}

func openDeep(t *testing.T, path string) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path, fileMode, &bolt.Options{NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// someEntries are a few neighbours among the keys, or new ones beside them.
func someEntries(keys [][]byte, fresh bool) (entries []entry) {
	at := rand.IntN(len(keys) - 120)
	for _, k := range keys[at : at+1+rand.IntN(120)] {
		if fresh {
			k = append(bytes.Clone(k), 'x')
		}
		entries = append(entries, entry{k: k, v: []byte("new")})
	}
	return entries
}

// pagesTo lists the pages on the way to a key, the root first.
func pagesTo(t *testing.T, raw []byte, root uint64, key []byte) (pages []uint64) {
	t.Helper()
	w := pageWalk{file: bytes.NewReader(raw), size: os.Getpagesize(), checked: map[uint64]bool{}}
	for sp := (span{page: root}); ; {
		pages = append(pages, sp.page)
		page, err := w.read(sp, len(pages))
		if err != nil {
			t.Fatal(err)
		}
		if page.flags == leafPage {
			return pages
		}
		sp = page.child(page.childOf(key), sp.beyond)
	}
}

// TestEveryChangeOnDamagedPages: a single bit flipped on a page that a change
// touches is either seen beforehand, or does no harm to the change, nor the
// change to any key that was found before it.
func TestEveryChangeOnDamagedPages(t *testing.T) {
	path := newPath(t)
	keys := deepBucket(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, deletes := range []bool{false, true} {
		rounds := 300
		if testing.Short() {
			rounds = 60
		}
		seen, harmless := 0, 0
		for range rounds {
			if damageAndChange(t, path, whole, keys, deletes) {
				harmless++
			} else {
				seen++
			}
		}
		t.Logf("deletes %v: %d seen, %d harmless", deletes, seen, harmless)
		if seen == 0 || harmless == 0 {
			t.Error("nothing was put to the test")
		}
	}
}

// damageAndChange flips a bit near the way to some keys, and changes them if
// areInOrder lets it.
func damageAndChange(t *testing.T, path string, whole []byte, keys [][]byte, deletes bool) (ordered bool) {
	t.Helper()
	entries := someEntries(keys, !deletes)
	at, bit, root := int64(0), 1<<rand.IntN(8), rootOf(t, path, whole)
	raw := bytes.Clone(whole)
	pages := pagesTo(t, whole, root, entries[rand.IntN(len(entries))].k)
	page := pages[rand.IntN(len(pages))]
	head := whole[page*uint64(os.Getpagesize()):]
	p := rawPage{raw: head, flags: binary.NativeEndian.Uint16(head[8:]), count: int(binary.NativeEndian.Uint16(head[10:]))}
	switch rand.IntN(3) {
	case 0: // the head of the page and its elements
		at = rand.Int64N(pageHeader + int64(p.count)*elementSize)
	case 1: // where a key stands in the order
		from, _, _ := p.lengths([]int{0, rand.IntN(p.count), p.count - 1}[rand.IntN(3)])
		at = int64(from + rand.IntN(16))
	default:
		at = rand.Int64N(int64(os.Getpagesize()))
	}
	at += int64(page) * int64(os.Getpagesize())
	raw[at] ^= byte(bit)
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	db := openDeep(t, path)
	defer func() { _ = db.Close() }()
	f := openRaw(t, path)
	defer func() { _ = f.Close() }()
	tx, err := db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	b := tx.Bucket([]byte("b"))
	if ordered, err = (&Store{locked: f}).areInOrder(b, entries, deletes); err != nil {
		t.Fatal(err)
	}
	if !ordered {
		return false
	}
	what := fmt.Sprintf("page %d of %v, byte %d, bit %d, deletes %v", page, pages, at%int64(os.Getpagesize()), bit, deletes)
	var wanted [][]byte // what was there before, and is not to be deleted
	for _, k := range keys {
		if there(b, k) && !slices.ContainsFunc(entries, func(e entry) bool { return bytes.Equal(e.k, k) }) {
			wanted = append(wanted, k)
		}
	}
	for _, e := range entries {
		if deletes {
			err = errors.Join(err, b.Delete(e.k))
		} else {
			err = errors.Join(err, b.Put(e.k, e.v))
			wanted = append(wanted, e.k)
		}
	}
	if errors.Is(err, bolterrors.ErrIncompatibleValue) {
		return false // the element says that it is a bucket: seen by bbolt itself
	}
	if err = errors.Join(err, tx.Commit()); err != nil {
		t.Fatal(what, err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("b"))
		for _, k := range wanted {
			if !there(b, k) {
				t.Errorf("%s: %s is lost", what, k)
			}
		}
		for _, e := range entries {
			if deletes && there(b, e.k) {
				t.Errorf("%s: %s is still there", what, e.k)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// there reports whether a key is found: a pointer to a page that is none is no
// way to it.
func there(b *bolt.Bucket, k []byte) (found bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	return b.Get(k) != nil
}

func rootOf(t *testing.T, path string, whole []byte) (root uint64) {
	t.Helper()
	if err := os.WriteFile(path, whole, fileMode); err != nil {
		t.Fatal(err)
	}
	db := openDeep(t, path)
	err := db.View(func(tx *bolt.Tx) error { root = uint64(tx.Bucket([]byte("b")).Root()); return nil })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return root
}
