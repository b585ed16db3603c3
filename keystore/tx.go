package keystore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// This file is the one place that opens transactions.

// view runs fn in a read transaction. Bytes of the file die with it: fn decodes
// what it needs.
func (s *Store) view(fn func(*reader) error) error {
	return s.viewBuckets(func(tx *bolt.Tx) error {
		r, err := s.reader(tx)
		if err != nil {
			return err
		}
		return fn(r)
	})
}

// viewBuckets is view before it is known that the file is a store.
func (s *Store) viewBuckets(fn func(*bolt.Tx) error) error {
	return s.guard("read", func() error {
		if err := s.file.probe(); err != nil {
			return err
		}
		tx, err := s.begin("read", false)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		return fn(tx)
	})
}

// guard turns a panic of bbolt over a damaged page, or a fault of the mapped
// file (it was cut, or the disk is gone), into an error.
func (s *Store) guard(verb string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{fmt.Sprintf("%s keystore %q: the file is damaged, or its disk fails: %v", verb, s.path, p)}
		}
	}()
	return fn()
}

// panicError is a recovered panic.
type panicError struct{ text string }

func (e *panicError) Error() string { return e.text }

func (s *Store) begin(verb string, writable bool) (*bolt.Tx, error) {
	tx, err := s.db.Begin(writable)
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return nil, ErrClosed
	case err != nil:
		return nil, fmt.Errorf("%s keystore %q: %w", verb, s.path, err)
	}
	return tx, nil
}

var errNoBucket = errors.New("a bucket of the keystore is missing: the file is damaged; restore a backup")

func (s *Store) reader(tx *bolt.Tx) (*reader, error) {
	r := &reader{
		hasher: s.hasher,
		meta:   tx.Bucket(bucketMeta),
		keys:   tx.Bucket(bucketKeys),
		ids:    tx.Bucket(bucketIDs),
		audit:  tx.Bucket(bucketAudit),
		astray: s.indexFault,
	}
	if r.meta == nil || r.keys == nil || r.ids == nil || r.audit == nil {
		return nil, errNoBucket
	}
	for _, b := range r.newerBuckets() {
		if *b.into = tx.Bucket(b.name); *b.into == nil && !s.older {
			return nil, errNoBucket
		}
	}
	return r, nil
}

// apply is the door through which every change of records comes, today from
// this process alone: it commits the change, evicts what the change touched,
// and only then returns, that is, acknowledges. It evicts after an error too:
// a commit may have failed with the change already in the file.
func (s *Store) apply(by By, change func(*writer) error) error {
	if err := by.check(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	w := &writer{store: s, now: s.clock.now().Truncate(time.Millisecond), by: by}
	defer func() { s.cache.evict(w.touched) }()
	return s.commit(w, change)
}

// commit runs a change and its time mark in one transaction. The caller holds
// s.writing.
func (s *Store) commit(w *writer, change func(*writer) error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if s.broken != nil {
		return s.broken
	}
	var tx *bolt.Tx
	err := s.guard("write", func() (err error) {
		if err = s.file.probe(); err == nil {
			tx, err = s.begin("write", true)
		}
		return err
	})
	if err != nil {
		return s.breakOnPanic(err)
	}
	if err := s.guard("write", func() error { return s.run(tx, w, change) }); err != nil {
		_ = tx.Rollback()
		return err
	}
	id := tx.ID()
	err = s.breakOnPanic(s.guard("write", tx.Commit))
	if w.arrives {
		s.finished.Add(1) // before another change can begin: see survey
	}
	if err == nil {
		s.mark = w.mark
		if w.head != nil {
			s.head.Store(w.head)
		}
	}
	return s.commitFailed(id, err)
}

// breakOnPanic ends all changes after a panic inside bbolt: it may hold its
// locks for ever, and have half a free list. Checks go on.
func (s *Store) breakOnPanic(err error) error {
	var p *panicError
	if errors.As(err, &p) {
		s.broken = fmt.Errorf("no change is possible until keygate is restarted: %w", err)
		return s.broken
	}
	return err
}

// run makes the change, then raises the time mark to the time it was made at.
func (s *Store) run(tx *bolt.Tx, w *writer, change func(*writer) error) (err error) {
	if w.reader, err = s.reader(tx); err != nil {
		return err
	}
	if err := w.mustWork(w.by, w.now); err != nil {
		return err
	}
	if err := change(w); err != nil {
		return err
	}
	mark := encodeMark(s.clock.now())
	w.mark = decodeMark(mark)
	return w.putMeta(metaTimeMark, mark)
}

// commitFailed says what became of transaction id.
func (s *Store) commitFailed(id int, err error) error {
	if err == nil {
		return nil
	}
	s.failures.Add(1)
	if s.broken == nil && !s.stored(id) && isFull(err) {
		return &fullError{path: s.path, err: err}
	}
	return fmt.Errorf("write keystore %q: whether the change was stored is not certain, ask again: %w", s.path, err)
}

// stored reports whether a transaction is what readers see, which it may be
// although its commit failed in the last step. When in doubt it is.
func (s *Store) stored(id int) bool {
	stored := true
	err := s.viewBuckets(func(tx *bolt.Tx) error {
		stored = tx.ID() >= id
		return nil
	})
	return stored || err != nil
}
