package usage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
)

// bbolt trusts its file. Most damage makes it panic, which can be caught, but a
// branch that leads back to itself, or a free list with an absurd length, ends the
// process, a page that says it is 16 TiB long makes it count them, and a free
// list that names a page in use lets it overwrite good values. So the whole file
// is read before bbolt sees it, and again, before a transaction changes
// them, the pages that it will change: somebody may have written to the file.
//
//	page     0  id u64, flags u16, count u16, overflow u32 (pages that follow)
//	meta    16  magic u32, version u32, page size u32, flags u32
//	        32  root u64, sequence u64, free list u64, pages u64, transaction u64
//	        72  checksum u64: FNV-64a over bytes 16-71
//	branch  16  count times: position u32, key size u32, page u64
//	leaf    16  count times: flags u32, position u32, key size u32, value size u32
//	free    16  ids u64; with a count of 65535 the first is the real one
//
// A position counts from the element that it stands in. Numbers have the byte
// order of the machine.
const (
	pageHeader   = 16
	elementSize  = 16
	metaSumAt    = 72
	metaEnd      = 80
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	smallestPage = 1 << 10
	largestPage  = 1 << 24

	branchPage   = 1
	leafPage     = 2
	freePage     = 16
	bucketValue  = 1
	bucketHeader = 16 // of a bucket in its value: page u64 (0: the page follows here), sequence u64
	manyFree     = 0xFFFF
)

// order is that of the machine.
var order = binary.NativeEndian

// metaPage is what matters of one meta page.
type metaPage struct {
	pageSize                     int64
	root, freelist, pages, txnID uint64
}

func readMeta(f io.ReaderAt, off int64) (m metaPage, sound bool) {
	var raw [metaEnd]byte
	if _, err := f.ReadAt(raw[:], off); err != nil {
		return m, false
	}
	h := fnv.New64a()
	_, _ = h.Write(raw[pageHeader:metaSumAt])
	u64 := func(at int) uint64 { return order.Uint64(raw[at:]) }
	m = metaPage{int64(order.Uint32(raw[24:])), u64(32), u64(48), u64(56), u64(64)}
	return m, order.Uint32(raw[16:]) == boltMagic && order.Uint32(raw[20:]) == boltVersion && u64(metaSumAt) == h.Sum64()
}

// newestMeta finds the meta page that bbolt would go on with. That is the one of
// the transaction before, where the last one is damaged: here an interval's
// counts are all that this costs.
func newestMeta(f io.ReaderAt) (m metaPage, sound bool) {
	if m, sound = readMeta(f, 0); sound {
		if second, ok := readMeta(f, m.pageSize); ok && second.txnID > m.txnID {
			return second, true
		}
		return m, true
	}
	for size := int64(smallestPage); size <= largestPage; size <<= 1 {
		if m, sound = readMeta(f, size); sound && m.pageSize == size {
			return m, true
		}
	}
	return metaPage{}, false
}

// pages walks through a file.
type pages struct {
	f    io.ReaderAt
	meta metaPage
	seen []uint64 // a bit for each page
	buf  []byte   // of a leaf
}

// keySet is what a walk is for: all keys, or some in their order.
type keySet struct {
	all  bool
	some []*entry
}

// below splits off the keys that are below high; nil is beyond all.
func (k keySet) below(high []byte) (before, rest keySet) {
	if k.all || high == nil {
		return k, k
	}
	n, _ := slices.BinarySearchFunc(k.some, high, func(en *entry, high []byte) int { return strings.Compare(en.id, string(high)) })
	return keySet{some: k.some[:n]}, keySet{some: k.some[n:]}
}

// checkPages tells what bbolt must not meet in a file of that size, on the way to
// any of the keys.
func checkPages(f io.ReaderAt, size int64, keys keySet) error {
	m, sound := newestMeta(f)
	switch {
	case !sound:
		return errors.New("it is no bbolt file, or both its meta pages are damaged")
	case m.pageSize < smallestPage || m.pageSize > largestPage || m.pages > uint64(size/m.pageSize):
		return errors.New("it is cut short")
	}
	p := &pages{f: f, meta: m, seen: make([]uint64, m.pages/64+1)}
	if err := p.free(m.freelist); err != nil {
		return fmt.Errorf("its free list: %w", err)
	}
	return p.tree(m.root, true, keys, nil, nil)
}

// read reads a page with what follows it, into buf if that is long enough. No
// page is read twice: that ends every circle.
func (p *pages) read(id uint64, buf []byte) ([]byte, error) {
	if id < 2 || id >= p.meta.pages {
		return nil, fmt.Errorf("page %d is out of bounds", id)
	}
	one, at := int(p.meta.pageSize), int64(id)*p.meta.pageSize
	buf = slices.Grow(buf[:0], one)[:one]
	if _, err := p.f.ReadAt(buf, at); err != nil {
		return nil, err
	}
	count := 1 + uint64(order.Uint32(buf[12:]))
	if order.Uint64(buf) != id || id+count > p.meta.pages {
		return nil, fmt.Errorf("page %d has a wrong header", id)
	}
	for i := range count {
		if err := p.mark(id + i); err != nil {
			return nil, err
		}
	}
	if count == 1 {
		return buf, nil
	}
	buf = slices.Grow(buf, int(count-1)*one)[:int(count)*one]
	_, err := p.f.ReadAt(buf[one:], at+int64(one))
	return buf, err
}

func (p *pages) mark(id uint64) error {
	if p.seen[id/64]&(1<<(id%64)) != 0 {
		return fmt.Errorf("page %d has two uses", id)
	}
	p.seen[id/64] |= 1 << (id % 64)
	return nil
}

// free reads the free list. A file of bbolt without one names page 2^64-1.
func (p *pages) free(id uint64) error {
	page, err := p.read(id, nil)
	if err != nil {
		return err
	}
	ids, count := page[pageHeader:], uint64(order.Uint16(page[10:]))
	if count == manyFree {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if order.Uint16(page[8:]) != freePage || count > uint64(len(ids)/8) {
		return errors.New("wrong header")
	}
	for ; count > 0; count, ids = count-1, ids[8:] {
		id := order.Uint64(ids)
		if id < 2 || id >= p.meta.pages {
			return fmt.Errorf("page %d is out of bounds", id)
		}
		if err := p.mark(id); err != nil {
			return err
		}
	}
	return nil
}

// tree walks through the pages of a bucket, whose keys are from low on and below
// high. Only the root holds buckets, and of it everything is walked through.
func (p *pages) tree(id uint64, root bool, keys keySet, low, high []byte) error {
	page, err := p.read(id, p.buf)
	if err != nil {
		return err
	}
	switch order.Uint16(page[8:]) {
	case branchPage:
		p.buf = nil // which is in use until the branch is done
		return p.branch(page, root, keys, low, high)
	case leafPage:
		p.buf = page
		if root {
			p.buf = nil
		}
		return p.leaf(page, root, keys, low, high)
	}
	return fmt.Errorf("page %d is neither branch nor leaf", id)
}

func (p *pages) branch(page []byte, root bool, keys keySet, low, high []byte) error {
	from, err := branchKeys(page, low, high)
	if err != nil {
		return err
	}
	for i, low := range from[:len(from)-1] {
		here := keys
		if !root {
			here, keys = keys.below(from[i+1])
		}
		if !here.all && len(here.some) == 0 && !root {
			continue
		}
		child := order.Uint64(page[pageHeader+i*elementSize+8:])
		if err := p.tree(child, root, here, low, from[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// branchKeys gives the keys that the children of a branch begin with, and high.
func branchKeys(page, low, high []byte) (keys [][]byte, err error) {
	count := int(order.Uint16(page[10:]))
	if count == 0 {
		return nil, errors.New("a branch is empty")
	}
	keys = make([][]byte, count+1)
	for i := range count {
		if keys[i], err = element(page, i, 0, false); err != nil {
			return nil, err
		}
	}
	keys[count] = high
	if low != nil && bytes.Compare(low, keys[0]) > 0 {
		return nil, errBranchOrder
	}
	for i, next := range keys[1:] {
		if next != nil && bytes.Compare(keys[i], next) >= 0 {
			return nil, errBranchOrder
		}
	}
	return keys, nil
}

var errBranchOrder = errors.New("the keys of a branch are out of order")

func (p *pages) leaf(page []byte, root bool, keys keySet, low, high []byte) error {
	for i := range int(order.Uint16(page[10:])) {
		both, err := element(page, i, 4, true)
		if err != nil {
			return err
		}
		at := pageHeader + i*elementSize
		size := order.Uint32(page[at+8:])
		key, value := both[:size], both[size:]
		if low != nil && (bytes.Compare(low, key) > 0 || i > 0 && bytes.Equal(low, key)) || high != nil && bytes.Compare(key, high) >= 0 {
			return errors.New("the keys of a leaf are out of order")
		}
		low = key
		switch flags := order.Uint32(page[at:]); {
		case root && flags == bucketValue:
			err = p.bucket(value, keys)
		case root || flags != 0:
			err = errors.New("a value has an unknown kind")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket walks through a bucket by the value that it has in the root.
func (p *pages) bucket(value []byte, keys keySet) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket is cut short")
	}
	if id := order.Uint64(value); id != 0 {
		return p.tree(id, false, keys, nil, nil)
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader || order.Uint16(page[8:]) != leafPage || order.Uint32(page[12:]) != 0 {
		return errors.New("a bucket within a page is damaged")
	}
	return p.leaf(page, false, keys, nil, nil)
}

// element gives the key of element i, and the value behind it if there is one.
// The position stands at byte at of the element, then the sizes.
func element(page []byte, i, at int, value bool) ([]byte, error) {
	begin := pageHeader + i*elementSize
	if begin+elementSize > len(page) {
		return nil, errors.New("an element is beyond its page")
	}
	e := page[begin:]
	from := uint64(order.Uint32(e[at:]))
	to := from + uint64(order.Uint32(e[at+4:]))
	if value {
		to += uint64(order.Uint32(e[at+8:]))
	}
	if from < elementSize || to > uint64(len(e)) {
		return nil, errors.New("an element is beyond its page")
	}
	return e[from:to], nil
}
