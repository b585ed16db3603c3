package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// ExpiringSoon is how far ahead Count.ExpiringSoon looks.
const ExpiringSoon = 7 * day

// Count is what Census counts.
type Count struct {
	ByStatus     map[Status]int
	ExpiringSoon int // what Filter.ExpiresBefore chooses for that time: disabled and retiring keys too
}

// Census counts the keys, in bounded read transactions; records that fail their
// check count as Unreadable. For each key that the index does not lead to it
// calls Options.OnIndexFault, and Stats.Unindexed is their number. It reads
// every record: the caller decides how often.
func (s *Store) Census() (Count, error) {
	c := census{now: s.Now(), at: []byte{}, count: Count{ByStatus: map[Status]int{}}}
	for !c.done {
		if err := s.view(c.chunk); err != nil {
			return Count{}, err
		}
	}
	s.unindexed.Store(int64(len(c.unindexed)))
	for _, id := range c.unindexed {
		s.indexFault(id)
	}
	return c.count, nil
}

func (s *Store) indexFault(id string) {
	if s.onIndexFault != nil {
		s.onIndexFault(id)
	}
}

// census walks the keys bucket, a chunk in each transaction.
type census struct {
	now       time.Time
	at        []byte // the digest of the last sound record
	count     Count
	show      func(Digest, *Record) // is shown each record that counts, instead of counting; may be nil
	unindexed []string              // ids
	done      bool
}

var errNoProgress = errors.New("the digests are out of order: the file is damaged; restore a backup")

// chunk ends on a sound record: the digest of one that is not may be anything,
// and the next chunk begins behind it.
func (c *census) chunk(tx *reader) error {
	cursor := tx.keys.Cursor()
	k, v := cursor.Seek(c.at)
	if k != nil && bytes.Equal(k, c.at) {
		k, v = cursor.Next()
	}
	before, sound := c.at, true
	for n := 0; k != nil && (n < chunk || !sound); n++ {
		if sound = c.visit(tx, k, v); sound {
			c.at = bytes.Clone(k)
		}
		k, v = cursor.Next()
	}
	c.done = k == nil
	if !c.done && bytes.Compare(c.at, before) <= 0 {
		return fmt.Errorf("count the keys: %w", errNoProgress)
	}
	return nil
}

func (c *census) visit(tx *reader, digest, value []byte) (sound bool) {
	rec, err := tx.sound(digest, value)
	if err != nil {
		c.count.ByStatus[Unreadable]++
		return false
	}
	if err := tx.admit(rec); err != nil {
		if !errors.Is(err, errPending) {
			c.count.ByStatus[Unreadable]++
		}
		return true
	}
	if c.show != nil {
		c.show(Digest(digest), rec)
		return true
	}
	if c.count.ByStatus[rec.Status(c.now)]++; rec.endsBefore(c.now.Add(ExpiringSoon), c.now) {
		c.count.ExpiringSoon++
	}
	if !tx.isIndexed(rec, digest) {
		c.unindexed = append(c.unindexed, rec.ID)
	}
	return true
}
