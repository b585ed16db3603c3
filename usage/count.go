package usage

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

const (
	// shardCount is the number of locks that keys are spread over.
	shardCount = 64

	// maxID is the length of the longest key id that is counted, in bytes.
	maxID = 128
)

// Event is one check of a key that was found.
type Event struct {
	KeyID   string
	Reason  string    // from a small closed set; kept by reference
	Allowed bool      // whether the check passed
	Address string    // of the client, "" if it is not to be kept; at most 64 printable characters
	At      time.Time // zero = now
}

// shard is a part of the keys under a lock of its own.
type shard struct {
	mu    sync.Mutex
	keys  map[string]*entry
	dirty []*entry // with fresh counts, each once
	_     [64]byte // the lock of the next shard is in another cache line
}

// entry is a key in memory. Its shard's lock guards it.
type entry struct {
	id    string
	fresh tally  // not yet stored
	sent  *tally // being stored
	dirty bool   // is in shard.dirty, or in the batch of a pass that has not come to it

	// What fresh needs for one interval, so that a key is one allocation. An
	// entry is never copied.
	hour, day [1]slot
	reason    [1]reasonCount
}

func (r *Recorder) shard(id string) *shard {
	return &r.shards[maphash.String(r.seed, id)%shardCount]
}

// Count adds an event. It is meant for the path of a check: see the package's
// promises. An event whose id is empty or longer than 128 bytes is dropped.
func (r *Recorder) Count(e Event) {
	ms := e.At.UnixMilli()
	if ms <= 0 || ms > maxMillis {
		ms = r.millis()
	}
	sh := r.shard(e.KeyID)
	sh.mu.Lock()
	en := sh.keys[e.KeyID]
	if en == nil {
		en = r.admit(sh, e.KeyID)
	}
	if en != nil {
		en.fresh.add(&e, ms)
		sh.mark(en)
	}
	sh.mu.Unlock()
	if en == nil {
		r.dropped.Add(1)
	}
}

// admit makes room for a new key, or returns nil. The caller holds sh.mu.
func (r *Recorder) admit(sh *shard, id string) *entry {
	if id == "" || len(id) > maxID {
		return nil
	}
	if r.keys.Add(1) > r.maxKeys {
		r.keys.Add(-1)
		return nil
	}
	en := &entry{id: strings.Clone(id)}
	en.fresh = tally{hours: en.hour[:0], days: en.day[:0], reasons: en.reason[:0]}
	sh.keys[en.id] = en
	return en
}

// mark makes the next pass come to the entry. The caller holds sh.mu.
func (sh *shard) mark(en *entry) {
	if !en.dirty {
		en.dirty = true
		sh.dirty = append(sh.dirty, en)
	}
}

// forget removes an entry that was not used since it was stored.
func (r *Recorder) forget(en *entry) {
	sh := r.shard(en.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !en.dirty && en.sent == nil && sh.keys[en.id] == en {
		delete(sh.keys, en.id)
		r.keys.Add(-1)
	}
}

// inMemory gives what is known of a key and not stored, or being stored.
func (r *Recorder) inMemory(id string, use func(*tally)) {
	sh := r.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	en := sh.keys[id]
	if en == nil {
		return
	}
	use(&en.fresh)
	if en.sent != nil {
		use(en.sent)
	}
}
