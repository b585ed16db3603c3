package keystore

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache holds the records of known keys by digest, the least recently used
// going first. Unknown keys and errors are never put into it. Its own lock,
// not the one of lru.Cache, because an insert must be decided and done under
// the same lock as an eviction: see put.
type cache struct {
	mu      sync.Mutex
	records *simplelru.LRU[Digest, *Record]
	changes uint64 // counts evictions
}

func newCache(size int) (*cache, error) {
	records, err := simplelru.NewLRU[Digest, *Record](size, nil)
	return &cache{records: records}, err
}

func (c *cache) get(d Digest) (*Record, bool) {
	c.mu.Lock()
	rec, ok := c.records.Get(d)
	c.mu.Unlock()
	return rec, ok
}

// begin is called before a record is read from the file; put wants its answer.
func (c *cache) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// put keeps a record that was read since began, unless anything changed in the
// meantime: the record may be from before the change, and would come back
// after its eviction. Then it is simply not kept; the next check reads again.
func (c *cache) put(began uint64, d Digest, rec *Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == began {
		c.records.Add(d, rec)
	}
}

// evict forgets the records of a change.
func (c *cache) evict(digests []Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for _, d := range digests {
		c.records.Remove(d)
	}
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records.Len()
}
