package usage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestPagesThatEndAProcess: what bbolt would not survive, or would spoil good
// values over, is found before it sees the file.
func TestPagesThatEndAProcess(t *testing.T) {
	good := newSample(t, 300)
	m, sound := newestMeta(bytes.NewReader(good))
	if !sound {
		t.Fatal("no meta page")
	}
	at := func(id uint64) int { return int(int64(id) * m.pageSize) }
	branch := pageOf(t, good, m, branchPage)
	first := order.Uint64(good[at(branch)+pageHeader+8:]) // its first leaf
	root := at(m.root)
	free := at(m.freelist)
	element := at(first) + pageHeader
	for name, damage := range map[string]func(b []byte){
		"a branch leads to itself":      func(b []byte) { order.PutUint64(b[at(branch)+pageHeader+8:], branch) },
		"two branches to one leaf":      func(b []byte) { order.PutUint64(b[at(branch)+pageHeader+elementSize+8:], first) },
		"a branch leads to a meta page": func(b []byte) { order.PutUint64(b[at(branch)+pageHeader+8:], 1) },
		"a branch leads nowhere":        func(b []byte) { order.PutUint64(b[at(branch)+pageHeader+8:], 1<<40) },
		"an empty branch":               func(b []byte) { order.PutUint16(b[at(branch)+10:], 0) },
		"a branch with too much in it":  func(b []byte) { order.PutUint16(b[at(branch)+10:], 0xFFFF) },
		"a branch out of order": func(b []byte) {
			b[at(branch)+pageHeader+elementSize+int(order.Uint32(b[at(branch)+pageHeader+elementSize:]))] = 0
		},
		"a leaf of no kind":           func(b []byte) { order.PutUint16(b[at(first)+8:], 3) },
		"a leaf with too much in it":  func(b []byte) { order.PutUint16(b[at(first)+10:], 0xFFFF) },
		"a leaf at another place":     func(b []byte) { order.PutUint64(b[at(first):], first+1) },
		"a leaf without an end":       func(b []byte) { order.PutUint32(b[at(first)+12:], 1<<31) },
		"a leaf out of order":         func(b []byte) { b[element+int(order.Uint32(b[element+4:]))+5] = 0xFF },
		"a key before its page":       func(b []byte) { order.PutUint32(b[element+4:], 0) },
		"a key beyond its page":       func(b []byte) { order.PutUint32(b[element+4:], 1<<20) },
		"a value beyond its page":     func(b []byte) { order.PutUint32(b[element+12:], 1<<31) },
		"a bucket where none can be":  func(b []byte) { order.PutUint32(b[element:], bucketValue) },
		"a value where a bucket must": func(b []byte) { order.PutUint32(b[root+pageHeader:], 0) },
		"a bucket that is cut":        func(b []byte) { order.PutUint32(b[root+pageHeader+12:], 15) },
		"a bucket within of no kind":  func(b []byte) { inlinePage(b, root)[8] = 1 },
		"a bucket within too large":   func(b []byte) { inlinePage(b, root)[10] = 0xFF },
		"a free list of no kind":      func(b []byte) { order.PutUint16(b[free+8:], leafPage) },
		"an endless free list":        func(b []byte) { order.PutUint16(b[free+10:], manyFree); order.PutUint64(b[free+16:], 1<<40) },
		"a long free list":            func(b []byte) { order.PutUint16(b[free+10:], 0xFFFE) },
		"a page in use that is free":  func(b []byte) { order.PutUint64(b[free+16:], first) },
		"a page that is free twice":   func(b []byte) { copy(b[free+24:], b[free+16:free+24]) },
		"a meta page that is free":    func(b []byte) { order.PutUint64(b[free+16:], 1) },
		"a free page in no file":      func(b []byte) { order.PutUint64(b[free+16:], 1<<40) },
	} {
		path := newPath(t)
		bad := bytes.Clone(good)
		damage(bad)
		if bytes.Equal(bad, good) {
			t.Errorf("%s: nothing changed", name)
		}
		if err := checkPages(bytes.NewReader(bad), int64(len(bad)), keySet{all: true}); err == nil {
			t.Errorf("%s: not found", name)
			continue
		}
		mustWrite(t, path, bad)
		mustWork(t, path)
		if n := len(asides(t, path)); n != 1 {
			t.Errorf("%s: %d files moved aside", name, n)
		}
	}
}

// pageOf finds the last page of a kind that is in use.
func pageOf(t testing.TB, raw []byte, m metaPage, kind uint16) uint64 {
	t.Helper()
	p := &pages{f: bytes.NewReader(raw), meta: m, seen: make([]uint64, m.pages/64+1)}
	if err := p.tree(m.root, true, keySet{all: true}, nil, nil); err != nil {
		t.Fatal(err)
	}
	for id := m.pages - 1; id > 1; id-- {
		page := raw[int64(id)*m.pageSize:]
		if p.seen[id/64]&(1<<(id%64)) != 0 && order.Uint64(page) == id && order.Uint16(page[8:]) == kind {
			return id
		}
	}
	t.Fatalf("no page of kind %d", kind)
	return 0
}

// inlinePage is the page within the root page of the bucket "meta".
func inlinePage(b []byte, root int) []byte {
	at := bytes.Index(b[root:], bucketMeta)
	return b[root+at+len(bucketMeta)+bucketHeader:]
}

// TestNoFreeList: bbolt would look for free pages on its own, in a goroutine whose
// panic nobody can catch.
func TestNoFreeList(t *testing.T) {
	path := newPath(t)
	db, err := bolt.Open(path, fileMode, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket(bucketKeys); return err }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	mustWork(t, path)
	if n := len(asides(t, path)); n != 1 {
		t.Errorf("%d files moved aside", n)
	}
}

// FuzzCheckPages: a walk ends, whatever is in the file, and does not panic.
func FuzzCheckPages(f *testing.F) {
	good := newSample(f, 300)
	f.Add(uint32(0), []byte{}, uint32(4096*3), []byte{1})
	f.Fuzz(func(t *testing.T, at uint32, a []byte, bt uint32, b []byte) {
		bad := bytes.Clone(good)
		copy(bad[int(at)%len(bad):], a)
		copy(bad[int(bt)%len(bad):], b)
		_ = checkPages(bytes.NewReader(bad), int64(len(bad)), keySet{all: true})
		_ = checkPages(bytes.NewReader(bad), int64(len(bad)), keySet{some: []*entry{{id: keyID(3)}, {id: keyID(299)}}})
	})
}

// TestOneMetaPage: without the newest meta page the transaction before is gone on
// with.
func TestOneMetaPage(t *testing.T) {
	good := newSample(t, 300)
	page := os.Getpagesize()
	for i := range 2 {
		path := newPath(t)
		bad := bytes.Clone(good)
		bad[i*page+40] ^= 1
		mustWrite(t, path, bad)
		r := mustOpen(t, Options{Path: path})
		if u := mustOf(t, r, keyID(0)); u.Allowed != 3 && u.Allowed != 2 {
			t.Errorf("%+v", u)
		}
		r.Count(allowed("k"))
		mustFlush(t, r)
		mustNotBeAside(t, path)
	}
}

// TestSoundPages: whatever bbolt writes is sound: large values, deep trees, long
// free lists, other page sizes.
func TestSoundPages(t *testing.T) {
	for _, size := range []int{1024, 4096, 16384} {
		path := newPath(t)
		db, err := bolt.Open(path, fileMode, &bolt.Options{PageSize: size, NoSync: true, FreelistType: bolt.FreelistMapType})
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(uint64(size), 5))
		for round := range 30 {
			err := db.Update(func(tx *bolt.Tx) error {
				for _, name := range []string{"a", "b", "c"} {
					b, err := tx.CreateBucketIfNotExists([]byte(name))
					if err != nil {
						return err
					}
					if err := churn(b, rnd, round); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			mustBeSound(t, path)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func churn(b *bolt.Bucket, rnd *rand.Rand, round int) error {
	for range rnd.IntN(400) {
		key := []byte(fmt.Sprint(rnd.IntN(3000), strings.Repeat("k", rnd.IntN(90))))
		if round > 15 && rnd.IntN(2) == 0 {
			c := b.Cursor()
			if k, _ := c.Seek(key); k != nil {
				if err := c.Delete(); err != nil {
					return err
				}
			}
			continue
		}
		large := 1 + rnd.IntN(50)
		if rnd.IntN(40) == 0 {
			large = 20_000
		}
		if err := b.Put(key, make([]byte, rnd.IntN(large))); err != nil {
			return err
		}
	}
	return nil
}

// TestLongFreeList: with 65 535 free pages or more, their number stands elsewhere.
func TestLongFreeList(t *testing.T) {
	path := newPath(t)
	db, err := bolt.Open(path, fileMode, &bolt.Options{PageSize: 1024, NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		if err != nil {
			return err
		}
		for i := range 70 {
			if err := b.Put([]byte(fmt.Sprint(i)), make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, change := range []func(*bolt.Tx) error{fill, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("b")) }, func(*bolt.Tx) error { return nil }} {
		if err := db.Update(change); err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, path)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw := mustRead(t, path)
	m, _ := newestMeta(bytes.NewReader(raw))
	free := raw[int64(m.freelist)*m.pageSize:]
	if order.Uint16(free[10:]) != manyFree {
		t.Fatal("the free list is not long")
	}
	order.PutUint64(free[16:], 1<<40)
	if err := checkPages(bytes.NewReader(raw), int64(len(raw)), keySet{all: true}); err == nil {
		t.Error("an absurd length was not found")
	}
}
