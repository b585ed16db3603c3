package usage

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// The file is a bbolt database of three buckets:
//
//	meta    "format"  uint32: 1
//	        "begun"   int64: ms since 1970, when the file was begun
//	        "since"   int64: ms, see Recorder.Watching
//	        "alive"   int64: ms, when the last transaction was made
//	keys    id -> value (see codec.go): totals, the newest hour and the newest day
//	past    id -> value: the hours and days before that
//
// Numbers are big-endian. Past has values of its own since it changes once an
// hour: a flush writes 50 bytes for each key, and not the 900 of a busy one.
const fileFormat = 1

var (
	bucketMeta = []byte("meta")
	bucketKeys = []byte("keys")
	bucketPast = []byte("past")
)

// file is an open usage file, which this process alone holds.
type file struct {
	path   string
	f      *os.File // what db works on
	db     *bolt.DB
	begins sync.Mutex
	broken atomic.Bool // bbolt panicked, and may hold its locks for ever

	testingOnlyCommit func(*bolt.Tx) error
}

// transaction is a transaction; the buckets are there after enter.
type transaction struct {
	*bolt.Tx
	meta, heads, past *bolt.Bucket
}

// enter finds the buckets.
func (t *transaction) enter() error {
	t.meta, t.heads, t.past = t.Bucket(bucketMeta), t.Bucket(bucketKeys), t.Bucket(bucketPast)
	if t.meta == nil || t.heads == nil || t.past == nil {
		return errForeign
	}
	return nil
}

// value is what a bucket has of a key, nil if nothing. It costs less than enter.
func (t *transaction) value(bucket []byte, id string) []byte {
	if b := t.Bucket(bucket); b != nil {
		return b.Get([]byte(id))
	}
	return nil
}

// errBroken: the file is not to be touched again through this opening of it.
var errBroken = errors.New("the usage file is damaged, or its disk fails")

// guard turns a panic of bbolt over a damaged page, or a fault of the mapped
// file (it was cut, or the disk is gone), into an error.
func (f *file) guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			f.broken.Store(true)
			err = fmt.Errorf("%w: %q: %v", errBroken, f.path, p)
		}
	}()
	return fn()
}

// begin opens a transaction. A fault in bbolt's own Begin would leave its locks
// taken for ever, and hang whoever comes next: so the meta pages are looked at
// first, where no lock is held, and one caller at a time goes in.
func (f *file) begin(writable bool) (t *transaction, err error) {
	f.begins.Lock()
	defer f.begins.Unlock()
	if !f.usable() {
		return nil, fmt.Errorf("%w: %q", errBroken, f.path)
	}
	err = f.guard(func() error {
		tx, err := f.db.Begin(writable)
		if err == nil {
			t = &transaction{Tx: tx}
		}
		return err
	})
	return t, err
}

// view runs fn in a read transaction. Bytes of the file die with it.
func (f *file) view(fn func(*transaction) error) error {
	t, err := f.begin(false)
	if err != nil {
		return err
	}
	return f.guard(func() error {
		defer func() { _ = t.Rollback() }()
		return fn(t)
	})
}

// check looks at the pages that a transaction over some keys will change.
func (f *file) check(some []*entry) error {
	info, err := f.f.Stat()
	if err == nil {
		err = checkPages(f.f, info.Size(), keySet{some: some})
	}
	if err != nil {
		f.broken.Store(true)
		return fmt.Errorf("%w: %q: %w", errBroken, f.path, err)
	}
	return nil
}

// prepare runs fn in a write transaction, which commit ends.
func (f *file) prepare(fn func(*transaction) error) (*transaction, error) {
	t, err := f.begin(true)
	if err != nil {
		return nil, err
	}
	err = f.guard(func() error {
		if err := t.enter(); err != nil {
			return err
		}
		return fn(t)
	})
	if err != nil {
		_ = f.guard(t.Rollback)
		return nil, err
	}
	return t, nil
}

// commit tells whether the transaction is what readers see from now on, which
// it may be although its last step failed.
func (f *file) commit(t *transaction) (stored bool, err error) {
	id := uint64(t.ID())
	err = f.guard(func() error {
		if f.testingOnlyCommit != nil {
			return f.testingOnlyCommit(t.Tx)
		}
		return t.Commit()
	})
	if err == nil {
		return true, nil
	}
	m, sound := newestMeta(f.f)
	return sound && m.txnID >= id, fmt.Errorf("write %q: %w", f.path, err)
}

// release gives up the file. A bbolt that panicked may never let go of its locks;
// then the file is closed behind its back.
func (f *file) release() error {
	if f.broken.Load() {
		// bbolt's mapping would keep the lock beyond Close.
		return errors.Join(syscall.Flock(int(f.f.Fd()), syscall.LOCK_UN), f.f.Close())
	}
	return f.guard(f.db.Close)
}

// usable reports whether bbolt may be asked for a transaction: it did not panic,
// and the file was neither cut nor overwritten.
func (f *file) usable() bool {
	if _, sound := newestMeta(f.f); !sound {
		f.broken.Store(true)
	}
	return !f.broken.Load()
}

// isAt reports whether the file is the one at path.
func isAt(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}
