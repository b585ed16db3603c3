package keystore

import (
	"fmt"
	"os"
	"time"
)

// MarkStep is how far the time of the store moves before SaveMark writes it.
const MarkStep = time.Minute

// SaveMark is to be called about once a minute. It stores the time mark, in a
// transaction of its own, if it has moved by MarkStep or more since it was
// stored last: after kill -9 or a power cut, with the clock back, the store
// takes up its time at the mark, and every key that had expired by then stays
// expired. Checks write nothing, so without it the mark would be that of the
// last change.
func (s *Store) SaveMark() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	now := s.clock.now()
	if now.Sub(s.mark) < MarkStep {
		return nil
	}
	w := &writer{store: s, now: now.Truncate(time.Millisecond)}
	return s.commit(w, func(*writer) error { return nil })
}

// ResetClock takes back the time of a store whose clock was far ahead once: it
// sets the time mark, was, to the wall clock, is, so that keys which expired
// too early work again. No server may have the file open. It opens the store
// like Open, with the same errors, but makes no new one; the mark and its audit
// record, "reset-clock", are one transaction.
//
// The wall clock must be right by now: a key that has expired works again if it
// is behind. New ids go on behind the last one, so that their order holds,
// though not the time in them.
func ResetClock(o Options, by By) (was, is time.Time, err error) {
	if err := by.check(); err != nil {
		return time.Time{}, time.Time{}, err
	}
	if _, err := os.Stat(o.Path); err != nil {
		return time.Time{}, time.Time{}, fmt.Errorf("open keystore %q: %w; name the store in store.path", o.Path, err)
	}
	s, err := Open(o)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	was = s.mark
	err = s.resetClock(by)
	is = s.mark
	if closeErr := s.release(); err == nil && closeErr != nil {
		err = fmt.Errorf("close keystore %q: %w", o.Path, closeErr)
	}
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	return was, is, nil
}

// resetClock is for a store that nobody else uses.
func (s *Store) resetClock(by By) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	was := s.mark
	s.clock = newClock(s.clock.read, time.Time{})
	w := &writer{store: s, now: s.clock.now().Truncate(time.Millisecond), by: by}
	return s.commit(w, func(w *writer) error {
		return w.log("reset-clock", nil, fields{"time_mark": stamp(was)}, fields{"time_mark": stamp(w.now)})
	})
}
