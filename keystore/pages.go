package keystore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// What rebuild.go needs to know is told by the pages themselves, as the last
// commit left them in the file. They are read along the ways that a change will
// take, each once, which costs a few microseconds for one key:
//
//	page         0  id u64, flags u16 (1 branch, 2 leaf), count u16, overflow u32
//	            16  count elements of 16 bytes
//	             .  keys and values
//	branch element  pos u32 (of the key, from the element), key length u32, child u64
//	leaf element    flags u32, pos u32, key length u32, value length u32
//
// What bbolt takes on trust is that the keys of a page ascend, that the first is
// the one by which the page above knows it, and that all are below the next one
// there. Numbers have the byte order of the machine.
const (
	pageHeader  = 16
	elementSize = 16
	branchPage  = 1
	leafPage    = 2
	mostDeep    = 32 // more levels than any file can have
)

// errDisorder: the pages are not as bbolt wrote them.
var errDisorder = errors.New("pages are out of order")

// pageWalk checks the pages of one bucket.
type pageWalk struct {
	file    io.ReaderAt
	size    int
	beside  bool // also the pages on either side, with which bbolt may merge one that deletions empty
	pages   [mostDeep][]byte
	checked map[uint64]bool
}

// areInOrder reports whether the pages of a bucket on which keys stand, or would
// stand, are in order. The keys are sorted; nothing was changed in the bucket
// before, by this transaction.
func (s *Store) areInOrder(b *bolt.Bucket, keys []entry, beside bool) (bool, error) {
	if len(keys) == 0 {
		return true, nil
	}
	if b.Root() == 0 { // a few entries, inside the page of the bucket's own entry
		return ascends(b), nil
	}
	w := pageWalk{file: s.locked, size: b.Tx().DB().Info().PageSize, beside: beside, checked: map[uint64]bool{}}
	err := w.check(span{page: uint64(b.Root())}, keys, 0)
	if errors.Is(err, errDisorder) {
		return false, nil
	}
	return err == nil, err
}

func ascends(b *bolt.Bucket) bool {
	c := b.Cursor()
	before, _ := c.First()
	for k, _ := c.Next(); k != nil; k, _ = c.Next() {
		if bytes.Compare(k, before) <= 0 {
			return false
		}
		before = k
	}
	return true
}

// span is a page, and what the page above says about its keys.
type span struct {
	page          uint64
	first, beyond []byte // nil where it says nothing
}

// check checks a page, and those below it on the way to keys.
func (w *pageWalk) check(sp span, keys []entry, deep int) error {
	page, err := w.read(sp, deep)
	if err != nil {
		return err
	}
	if page.flags != branchPage {
		return nil
	}
	for len(keys) > 0 {
		at := page.childOf(keys[0].k)
		child := page.child(at, sp.beyond)
		n := sort.Search(len(keys), func(i int) bool { return child.beyond != nil && bytes.Compare(keys[i].k, child.beyond) >= 0 })
		if n == 0 {
			return errDisorder // a key that leads to where it does not belong
		}
		if err := w.checkBeside(page, at, sp.beyond, deep+1); err != nil {
			return err
		}
		if err := w.check(child, keys[:n], deep+1); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// checkBeside checks the pages on either side of a child.
func (w *pageWalk) checkBeside(page rawPage, at int, beyond []byte, deep int) error {
	for _, i := range []int{at - 1, at + 1} {
		if !w.beside || i < 0 || i >= page.count {
			continue
		}
		child := page.child(i, beyond)
		if w.checked[child.page] {
			continue
		}
		w.checked[child.page] = true
		if _, err := w.read(child, deep); err != nil {
			return err
		}
	}
	return nil
}

// read reads a page and checks what is on it.
func (w *pageWalk) read(sp span, deep int) (rawPage, error) {
	if deep >= mostDeep {
		return rawPage{}, errDisorder
	}
	raw, err := w.bytes(sp.page, deep)
	if err != nil {
		return rawPage{}, err
	}
	p := rawPage{
		raw: raw, flags: binary.NativeEndian.Uint16(raw[8:]), count: int(binary.NativeEndian.Uint16(raw[10:])),
	}
	if binary.NativeEndian.Uint64(raw) != sp.page || p.flags != branchPage && p.flags != leafPage {
		return rawPage{}, errDisorder
	}
	return p, p.check(sp, w.size)
}

// bytes reads a page whole, into memory of its level.
func (w *pageWalk) bytes(page uint64, deep int) ([]byte, error) {
	const most = 1 << 10 // pages, several times what our largest values take
	pages := 1
	for {
		b := slices.Grow(w.pages[deep][:0], pages*w.size)[:pages*w.size]
		w.pages[deep] = b
		if page > 1<<48 {
			return nil, errDisorder
		}
		if _, err := w.file.ReadAt(b, int64(page)*int64(w.size)); errors.Is(err, io.EOF) {
			return nil, errDisorder
		} else if err != nil {
			return nil, fmt.Errorf("read page %d: %w", page, err)
		}
		overflow := int(binary.NativeEndian.Uint32(b[12:]))
		switch {
		case overflow > most:
			return nil, errDisorder
		case overflow+1 <= pages:
			return b, nil
		}
		pages = overflow + 1
	}
}

// rawPage is a page as the file has it.
type rawPage struct {
	raw   []byte
	flags uint16
	count int
}

// lengths returns where the key of an element begins, how long it is, and the
// value behind it.
func (p rawPage) lengths(i int) (from, key, value int) {
	at := pageHeader + i*elementSize
	u32 := func(off int) int { return int(binary.NativeEndian.Uint32(p.raw[at+off:])) }
	if p.flags == branchPage {
		return at + u32(0), u32(4), 0
	}
	return at + u32(4), u32(8), u32(12)
}

// key returns the key of an element of a page that was checked.
func (p rawPage) key(i int) []byte {
	from, length, _ := p.lengths(i)
	return p.raw[from : from+length : from+length]
}

// check compares the keys with each other and with what the page above says. It
// also sees that keys and values fill the page without a gap, and not more
// pages than they need, since bbolt frees as many as the head says.
func (p rawPage) check(sp span, size int) error {
	if p.count == 0 && sp.first == nil && p.flags == leafPage && len(p.raw) == size {
		return nil // an empty bucket
	}
	end := pageHeader + p.count*elementSize
	if p.count == 0 || end > len(p.raw) {
		return errDisorder
	}
	before := sp.first
	for i := range p.count {
		from, length, value := p.lengths(i)
		if from != end || length == 0 || length > len(p.raw)-from || value > len(p.raw)-from-length {
			return errDisorder
		}
		k := p.key(i)
		if order := bytes.Compare(k, before); i == 0 && sp.first != nil && order != 0 || i > 0 && order <= 0 {
			return errDisorder
		}
		before, end = k, from+length+value
	}
	if sp.beyond != nil && bytes.Compare(before, sp.beyond) >= 0 || (end+size-1)/size != len(p.raw)/size {
		return errDisorder
	}
	return nil
}

// childOf finds the child on which a key stands, or would stand.
func (p rawPage) childOf(key []byte) int {
	return max(0, sort.Search(p.count, func(i int) bool { return bytes.Compare(p.key(i), key) > 0 })-1)
}

func (p rawPage) child(i int, beyond []byte) span {
	at := pageHeader + i*elementSize
	sp := span{page: binary.NativeEndian.Uint64(p.raw[at+8:]), first: p.key(i), beyond: beyond}
	if i+1 < p.count {
		sp.beyond = p.key(i + 1)
	}
	return sp
}
