package keystore

import (
	"sync/atomic"
	"time"
)

// clock tells the time of the store:
//
//	now = max(wall clock, highest time seen + monotonic time since)
//
// so that an expired key stays expired when the wall clock is set back, and
// time never stands still. The highest time seen is kept in the file, with
// every change, by SaveMark and at Close.
type clock struct {
	read      func() time.Time
	base      time.Time    // a reading at the start; monotonic time counts from here
	monotonic bool         // whether readings carry monotonic time; a test's may not
	offset    atomic.Int64 // us; max over all readings of (now - monotonic time)
}

// newClock starts a clock that is never behind mark.
func newClock(read func() time.Time, mark time.Time) *clock {
	base := read()
	c := &clock{read: read, base: base, monotonic: base != base.Round(0)}
	c.offset.Store(max(base.UnixMicro(), mark.UnixMicro()))
	return c
}

// now is the time of the store. It allocates nothing and takes no lock.
func (c *clock) now() time.Time {
	t := c.read()
	var since int64
	if c.monotonic {
		since = t.Sub(c.base).Microseconds()
	}
	return time.UnixMicro(c.raise(t.UnixMicro()-since) + since).UTC()
}

// raise lifts the offset to at least v and returns it.
func (c *clock) raise(v int64) int64 {
	for {
		seen := c.offset.Load()
		if v <= seen {
			return seen
		}
		if c.offset.CompareAndSwap(seen, v) {
			return v
		}
	}
}

// lead is how far the time of the store runs ahead of the wall clock.
func (c *clock) lead() time.Duration {
	return max(0, c.now().Sub(c.read().Round(0)))
}
