package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// MaxPage is the most records that List and Audit return in one call.
const MaxPage = 500

// chunk is how many records one read transaction walks over at most: a long
// one would keep bbolt from reusing pages.
const chunk = 1000

var invalidLimit = &InvalidError{Field: "limit", Problem: fmt.Sprintf("must be between 1 and %d", MaxPage)}

// Filter chooses records; a zero field chooses any.
type Filter struct {
	Account, Workspace string
	Status             Status
	Permission         Permission
}

func (f Filter) matches(rec *Record, now time.Time) bool {
	return (f.Account == "" || f.Account == rec.Account) &&
		(f.Workspace == "" || f.Workspace == rec.Workspace) &&
		(f.Permission == 0 || f.Permission == rec.Permission) &&
		(f.Status == "" || f.Status == rec.Status(now))
}

// List returns up to limit (1-500) records that the filter chooses, in the
// order of their creation, beginning behind the id after ("" = at the start).
// next is the after of the following page, or "" at the end. A record that
// does not change is returned exactly once by a walk over all pages, whatever
// happens in between. A damaged record is left out, and raises the alarm.
func (s *Store) List(f Filter, after string, limit int) (records []*Record, next string, err error) {
	if limit < 1 || limit > MaxPage {
		return nil, "", invalidLimit
	}
	if after != "" && !validID(after) {
		return nil, "", &InvalidError{Field: "cursor", Problem: "is not one that a list returned"}
	}
	walk := &listing{store: s, filter: f, now: s.Now(), at: idOrZeroText(after), limit: limit}
	for !walk.done && len(walk.records) <= limit {
		if err := s.view(walk.chunk); err != nil {
			return nil, "", err
		}
	}
	records, next = walk.page()
	return records, next, nil
}

func idOrZeroText(id string) []byte {
	raw, _ := parseID(id)
	return raw[:]
}

// listing walks the ids bucket, a chunk in each transaction.
type listing struct {
	store   *Store
	filter  Filter
	now     time.Time
	limit   int
	at      []byte // the last id walked over
	records []*Record
	done    bool // the end was reached
}

// chunk goes on until the page has one record more than it may (so that page
// knows whether anything follows), the chunk is used up, or the end is reached.
func (l *listing) chunk(tx *reader) error {
	c := tx.ids.Cursor()
	k, v := c.Seek(l.at)
	if bytes.Equal(k, l.at) {
		k, v = c.Next()
	}
	for n := 0; k != nil && n < chunk && len(l.records) <= l.limit; n++ {
		l.at = bytes.Clone(k)
		if err := l.visit(tx, k, v); err != nil {
			return err
		}
		k, v = c.Next()
	}
	l.done = k == nil
	return nil
}

func (l *listing) visit(tx *reader, id, value []byte) error {
	_, rec, err := tx.indexed(idOrZero(id).String(), value)
	var damaged *damagedRecord
	switch {
	case errors.As(err, &damaged):
		l.store.alarm(damaged)
	case err != nil:
		return err
	case l.filter.matches(rec, l.now):
		l.records = append(l.records, rec)
	}
	return nil
}

func (l *listing) page() (records []*Record, next string) {
	if len(l.records) <= l.limit {
		return l.records, ""
	}
	records = l.records[:l.limit]
	return records, records[l.limit-1].ID
}

// Census counts the keys by status, in bounded read transactions; records that
// fail their check count as Unreadable. It reads every record: the caller
// decides how often.
func (s *Store) Census() (map[Status]int, error) {
	count := map[Status]int{}
	now := s.Now()
	for at := []byte{}; at != nil; {
		err := s.view(func(tx *reader) error {
			at = tx.count(count, at, now)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return count, nil
}

// count counts a chunk of records behind the digest at, and returns the last
// digest, or nil at the end.
func (r *reader) count(count map[Status]int, at []byte, now time.Time) []byte {
	c := r.keys.Cursor()
	k, v := c.Seek(at)
	if k != nil && bytes.Equal(k, at) {
		k, v = c.Next()
	}
	for n := 0; k != nil && n < chunk; n++ {
		count[r.statusOf(k, v, now)]++
		at = bytes.Clone(k)
		k, v = c.Next()
	}
	if k == nil {
		return nil
	}
	return at
}

func (r *reader) statusOf(digest, value []byte, now time.Time) Status {
	rec, err := r.open(digest, value)
	if err != nil {
		return Unreadable
	}
	return rec.Status(now)
}
