package usage

import (
	"errors"
	"time"
)

// Usage is what is known of one key. It is exact, whatever is stored of it. The
// zero Usage is that of a key that was never seen. The caller owns it.
type Usage struct {
	FirstSeen   time.Time // the first check, whatever came of it
	LastUsed    time.Time // the last check that was allowed: a revoked key that is still presented is not in use
	LastDenied  time.Time // the last check that was denied
	LastAddress string    // where the last check came from, allowed or not, that had an address

	Allowed, Denied uint64
	ByReason        map[string]uint64 // at most 16; "other" is what there was no room for

	Hours []Bucket // of the last 48, the current one included
	Days  []Bucket // of the last 90, today included
}

// Bucket is an hour or a day that begins at Start, in UTC. In a list the oldest is
// first, and those in which nothing happened are left out.
type Bucket struct {
	Start           time.Time
	Allowed, Denied uint64
}

func (t *tally) usage() Usage {
	u := Usage{
		FirstSeen: moment(t.first), LastUsed: moment(t.used), LastDenied: moment(t.denied),
		LastAddress: t.address, Allowed: t.passed, Denied: t.refused,
		Hours: buckets(t.hours, hourMillis), Days: buckets(t.days, dayMillis),
	}
	if len(t.reasons) > 0 {
		u.ByReason = make(map[string]uint64, len(t.reasons))
	}
	for _, r := range t.reasons {
		u.ByReason[r.name] += r.n
	}
	return u
}

// moment is the zero time where there was none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func buckets(list []slot, length int64) []Bucket {
	var all []Bucket
	for _, s := range list {
		all = append(all, Bucket{moment(int64(s.start) * length), s.passed, s.refused})
	}
	return all
}

// Of says what is known of a key; nothing, if it was never seen. It is exact at
// once: an event counts from the moment its Count returned. With an error, which
// means that the file could not be read just now, it says what is in memory.
// After Close that is all, with ErrClosed.
func (r *Recorder) Of(keyID string) (Usage, error) {
	r.joined.RLock()
	defer r.joined.RUnlock()
	now := r.millis()
	var fresh tally
	r.inMemory(keyID, fresh.merge)
	all, err := r.stored(keyID, now)
	fresh.trim(now)
	all.merge(&fresh)
	return all.usage(), err
}

// stored is what the file has of a key, without what is too old. A value that is
// damaged is as none. The caller holds r.joined.
func (r *Recorder) stored(id string, now int64) (tally, error) {
	f := r.file.Load()
	switch {
	case id == "" || len(id) > maxID:
		return tally{}, nil
	case f == nil && r.stopped():
		return tally{}, ErrClosed
	case f == nil:
		return tally{}, nil
	}
	var head, past tally
	err := f.view(func(tx *transaction) error {
		_ = readTally(&head, id, tx.value(bucketKeys, id), nil)
		_ = readTally(&past, id, tx.value(bucketPast, id), nil)
		return nil
	})
	if err != nil {
		return tally{}, err
	}
	head.trim(now)
	past.trim(now)
	head.merge(&past)
	return head, nil
}

func (r *Recorder) stopped() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// LastUsed is Usage.LastUsed alone, for a row of a list: it takes about a
// microsecond, and waits for no flush. What cannot be read is zero.
func (r *Recorder) LastUsed(keyID string) time.Time {
	used, _ := r.Seen(keyID)
	return used
}

// ErrNotKnown: when a key was last used is not known, since the file cannot be
// read at the moment or what it says of the key is damaged.
var ErrNotKnown = errors.New("when the key was last used is not known")

// Seen is LastUsed for those who end what is unused: it tells "never" from "not
// known", which is ErrNotKnown. The time beside the error is what memory has.
func (r *Recorder) Seen(keyID string) (time.Time, error) {
	var used int64
	// Memory first: what leaves it in the meantime is in the file by then.
	r.inMemory(keyID, func(t *tally) { used = max(used, t.used) })
	err := ErrNotKnown
	if f := r.file.Load(); f != nil && keyID != "" && len(keyID) <= maxID {
		failed := f.view(func(tx *transaction) error {
			value := tx.value(bucketKeys, keyID)
			if _, sound := openValue(keyID, value); value == nil || sound {
				err = nil
			}
			used = max(used, readUsed(keyID, value))
			return nil
		})
		if failed != nil {
			err = ErrNotKnown
		}
	}
	return moment(min(used, r.millis())), err
}
