package keystore

import "time"

// MaxClockLead is the lead of the store's time over the wall clock from which
// on something is wrong: a clock was far ahead once, or is behind now.
const MaxClockLead = time.Hour

// Stats are counters since Open, and a few gauges.
type Stats struct {
	CacheHits      uint64
	CacheMisses    uint64 // look-ups that read the file
	CacheRecords   int    // records in the cache now
	Junk           uint64 // look-ups refused by form, before any I/O
	StoreErrors    uint64 // reads and writes of the file that failed
	CorruptRecords uint64 // look-ups that met a damaged record
	Unindexed      int    // keys that the index of ids did not lead to, by the last Census
	ClockLead      time.Duration
}

// ClockWrong reports whether the time of the store is so far ahead of the wall
// clock that an operator should look: keys expire by the store's time.
func (s Stats) ClockWrong() bool { return s.ClockLead > MaxClockLead }

// Stats reads the counters. It is cheap, and the figures are not of one moment.
func (s *Store) Stats() Stats {
	return Stats{
		CacheHits:      s.hits.Load(),
		CacheMisses:    s.misses.Load(),
		CacheRecords:   s.cache.len(),
		Junk:           s.junk.Load(),
		StoreErrors:    s.failures.Load(),
		CorruptRecords: s.corrupt.Load(),
		Unindexed:      int(s.unindexed.Load()),
		ClockLead:      s.clock.lead(),
	}
}
