package keystore

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// mappedFile is a mapping of the file's first bytes beside bbolt's own. bbolt
// reads its meta page with locks held; a fault there (the file was cut to
// nothing, the disk is gone) would leave them locked for ever. probe meets the
// fault first, where nothing is held.
type mappedFile struct {
	mu    sync.RWMutex
	bytes []byte // both meta pages; nil when closed
	step  int    // page size
}

// mapMetas maps the two meta pages of f.
func mapMetas(f *os.File, pageSize int) (*mappedFile, error) {
	b, err := syscall.Mmap(int(f.Fd()), 0, 2*pageSize, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return &mappedFile{bytes: b, step: pageSize}, nil
}

var errCutFile = errors.New("the file was cut or overwritten while it was open; stop keygate and restore a backup")

// probe touches both meta pages. The caller has debug.SetPanicOnFault on, and
// recovers.
func (m *mappedFile) probe() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.bytes == nil {
		return ErrClosed
	}
	if !hasMagic(m.bytes) || !hasMagic(m.bytes[m.step:]) {
		return errCutFile
	}
	return nil
}

func hasMagic(page []byte) bool {
	return page[metaStart]|page[metaStart+1]|page[metaStart+2]|page[metaStart+3] != 0
}

func (m *mappedFile) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bytes
	m.bytes = nil
	if b == nil {
		return nil
	}
	return syscall.Munmap(b)
}
