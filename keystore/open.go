package keystore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Open opens the store at o.Path, and makes it if there is no file. The caller
// must Close it. Errors to tell apart: *LockedError, ErrWrongPepper,
// *FormatError, *DamagedError and *InvalidError; each text names the next step.
// A file that is refused is not touched.
//
// Two first starts never both own a store: however many processes begin on a
// path without a file, one store comes to be, and one of them opens it.
func Open(o Options) (*Store, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("open keystore %q: %w", o.Path, err)
	}
	h := newHasher(o.Pepper)
	f, err := openOrCreate(o, h)
	if err != nil {
		return nil, openError(o.Path, err)
	}
	s, err := openFile(f, o, h)
	if err != nil {
		return nil, openError(o.Path, err)
	}
	return s, nil
}

// openError adds what was attempted, unless the error says so itself.
func openError(path string, err error) error {
	var locked *LockedError
	var format *FormatError
	var damaged *DamagedError
	if errors.As(err, &locked) || errors.As(err, &format) || errors.As(err, &damaged) {
		return err
	}
	return fmt.Errorf("open keystore %q: %w", path, err)
}

// openOrCreate returns the locked file at o.Path.
func openOrCreate(o Options, h *hasher) (*os.File, error) {
	for range createTries {
		if err := checkPlace(o.Path); errors.Is(err, os.ErrNotExist) {
			if err := createFile(o, h); err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
		f, err := openLocked(o)
		if f != nil || err != nil {
			return f, err
		}
	}
	return nil, fmt.Errorf("the file is replaced all the time")
}

// checkPlace looks at what is at path: os.ErrNotExist if there is room for a
// new file.
func checkPlace(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("not a regular file")
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Not any file: another first start may have published one just now.
	if link, err := os.Lstat(path); err == nil && link.Mode()&os.ModeSymlink != 0 {
		return fmt.Errorf("a symbolic link that leads nowhere")
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the folder %q does not exist; make it with `mkdir -p -m 0700 %s`", folder, folder)
	}
	return os.ErrNotExist
}

// openLocked opens and locks the file. Nil without an error means that another
// file took its place in the meantime.
func openLocked(o Options) (*os.File, error) {
	f, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(f, o.Path, o.LockTimeout); err != nil {
		_ = f.Close()
		return nil, err
	}
	ours, err1 := f.Stat()
	there, err2 := os.Stat(o.Path)
	if err1 != nil || err2 != nil || !os.SameFile(ours, there) {
		_ = f.Close()
		return nil, nil
	}
	return f, nil
}

// openFile opens the store in a locked file, which it closes on an error.
func openFile(f *os.File, o Options, h *hasher) (_ *Store, err error) {
	s := &Store{path: o.Path, prefix: o.Prefix, onCorrupt: o.OnCorrupt, onIndexFault: o.OnIndexFault, hasher: h, locked: f, bounds: defaultBounds}
	defer func() {
		if err != nil {
			_ = s.release()
		}
	}()
	pageSize, err := checkFile(f, o.Path)
	if err != nil {
		return nil, err
	}
	if s.file, err = mapMetas(f, pageSize); err != nil {
		return nil, err
	}
	if s.db, err = openBolt(f); err != nil {
		return nil, err
	}
	if s.cache, err = newCache(o.CacheRecords); err != nil {
		return nil, err
	}
	return s, s.start(o)
}

// checkFile judges the locked file before bbolt sees it.
func checkFile(f *os.File, path string) (pageSize int, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == 0 {
		return 0, fmt.Errorf("the file is empty: not a keygate store; remove it to begin a new one")
	}
	metas, err := readMetas(f)
	if err != nil {
		return 0, err
	}
	if problem := checkMetas(metas); problem != "" {
		return 0, &DamagedError{Path: path, Problem: problem}
	}
	newest, _ := newestMeta(metas)
	if !newest.fits(info.Size()) {
		return 0, fmt.Errorf("the file is cut short; restore a backup")
	}
	if newest.freelist == noFreelist {
		return 0, errForeign // and bbolt would write to it when opening
	}
	return int(newest.pageSize), nil
}

// openBolt opens bbolt over the file that is locked already. It writes nothing.
func openBolt(f *os.File) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("the file is damaged; restore a backup: %v", p)
		}
	}()
	return bolt.Open(f.Name(), fileMode, &bolt.Options{
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true, // a lock that every look-up would take
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
}

// start reads the meta bucket and starts the clock.
func (s *Store) start(o Options) error {
	var v metaValues
	err := s.viewBuckets(func(tx *bolt.Tx) (err error) {
		if err = checkFormat(tx.Bucket(bucketMeta), o.Path); err != nil {
			return err
		}
		s.older = readFormat(tx.Bucket(bucketMeta)) < fileFormat
		r, err := s.reader(tx)
		if err == nil {
			err = r.checkPepper()
		}
		if err == nil {
			v, err = r.values()
		}
		if err == nil && !s.older {
			head, err := r.auditHead()
			s.head.Store(&head)
			return err
		}
		return err
	})
	if err != nil {
		return err
	}
	s.id = v.storeID
	s.imported.Store(v.imported)
	s.clock, s.mark = newClock(o.Clock, v.mark), v.mark
	s.prefixes.Store(&v.prefixes)
	s.addPrefix(s.prefix)
	if s.older {
		err = s.upgrade()
		s.older = false
	}
	return err
}

// Close stores the time mark and releases the file. It waits for calls that
// are under way; later ones get ErrClosed. A second Close does nothing.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed.Load() {
		return nil
	}
	w := &writer{store: s, now: s.clock.now().Truncate(time.Millisecond)}
	err := s.commit(w, func(*writer) error { return nil })
	s.closed.Store(true)
	return errors.Join(err, s.release())
}

// release gives up the file without writing. A bbolt that panicked may never
// let go of its locks; then the file is closed behind its back, which frees it
// for other processes.
func (s *Store) release() error {
	var errs []error
	if s.file != nil {
		errs = append(errs, s.file.close())
	}
	if s.db == nil || s.broken != nil {
		// bbolt's mapping would keep the lock beyond Close.
		errs = append(errs, syscall.Flock(int(s.locked.Fd()), syscall.LOCK_UN), s.locked.Close())
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, s.db.Close())...)
}
