package keystore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// bbolt begins its file with two meta pages that it writes in turn, each with
// a checksum. When one is damaged it silently goes on with the other, and so
// with the transaction before. That could undo a revoke, so both are read here,
// raw, after the lock is held and before bbolt sees the file.
//
//	page     0  id u64, flags u16, count u16, overflow u32
//	        16  magic u32, version u32, page size u32, flags u32
//	        32  root u64, sequence u64, free list u64, pages u64, transaction u64
//	        72  checksum u64: FNV-64a over bytes 16-71
//
// Numbers have the byte order of the machine.
const (
	metaStart    = 16
	metaSumAt    = 72
	metaEnd      = 80
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	noFreelist   = ^uint64(0)
	smallestPage = 1 << 10
	largestPage  = 1 << 24
)

// metaPage is what matters of one meta page.
type metaPage struct {
	raw                          [metaEnd]byte
	sound                        bool
	pageSize                     int64
	root, freelist, pages, txnID uint64
}

// errForeign: no bbolt meta page at all.
var errForeign = errors.New("not a keygate store, or one whose both meta pages are damaged")

func parseMeta(raw [metaEnd]byte) metaPage {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(raw[at:]) }
	return metaPage{
		raw:      raw,
		sound:    u32(16) == boltMagic && u32(20) == boltVersion && u64(metaSumAt) == metaSum(raw),
		pageSize: int64(u32(24)), root: u64(32), freelist: u64(48), pages: u64(56), txnID: u64(64),
	}
}

func metaSum(raw [metaEnd]byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(raw[metaStart:metaSumAt])
	return h.Sum64()
}

// readMeta reads the meta page that begins at off; what cannot be read is not
// sound.
func readMeta(f io.ReaderAt, off int64) metaPage {
	var raw [metaEnd]byte
	if _, err := f.ReadAt(raw[:], off); err != nil {
		return metaPage{}
	}
	return parseMeta(raw)
}

// readMetas reads both meta pages. Where the first is damaged the second is
// found by its own word on the page size, as bbolt does it.
func readMetas(f io.ReaderAt) (metas [2]metaPage, err error) {
	if metas[0] = readMeta(f, 0); metas[0].sound {
		metas[1] = readMeta(f, metas[0].pageSize)
		return metas, nil
	}
	for size := int64(smallestPage); size <= largestPage; size <<= 1 {
		if m := readMeta(f, size); m.sound && m.pageSize == size {
			metas[1] = m
			return metas, nil
		}
	}
	return metas, errForeign
}

// checkMetas tells what is wrong with the two pages; "" if nothing.
// The numbers of the two transactions differ by one, or by two for a while
// behind a copy made by bbolt: any other distance means that one page is of
// an older state of the file.
func checkMetas(metas [2]metaPage) string {
	for i, m := range metas {
		if !m.sound {
			return fmt.Sprintf("meta page %d of the file is damaged", i)
		}
	}
	newest, older := newestMeta(metas)
	switch distance := newest.txnID - older.txnID; {
	case distance == 0 || distance > 2:
		return "one meta page of the file is out of date"
	case older.pageSize != newest.pageSize:
		return "the meta pages of the file do not agree"
	}
	return ""
}

// newestMeta returns the page that bbolt would go on with, and the other.
func newestMeta(metas [2]metaPage) (newest, older metaPage) {
	if metas[0].sound && (!metas[1].sound || metas[0].txnID > metas[1].txnID) {
		return metas[0], metas[1]
	}
	return metas[1], metas[0]
}

// fits reports whether all pages that the newest state uses are in the file.
func (m metaPage) fits(size int64) bool {
	return m.pageSize >= smallestPage && m.pageSize <= largestPage && m.pages <= uint64(size/m.pageSize) && m.root < m.pages
}

// twin is a meta page of the same state under the transaction before, to stand
// where the damaged one stood: in the second place of the file or the first.
func (m metaPage) twin(second bool) [metaEnd]byte {
	raw := m.raw
	id := uint64(0)
	if second {
		id = 1
	}
	binary.NativeEndian.PutUint64(raw[0:], id)
	binary.NativeEndian.PutUint64(raw[64:], m.txnID-1)
	binary.NativeEndian.PutUint64(raw[metaSumAt:], metaSum(raw))
	return raw
}
