package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"
)

// MaxPage is the most records that List and Audit return in one call.
const MaxPage = 500

// chunk is how many records one read transaction walks over at most: a long
// one would keep bbolt from reusing pages.
const chunk = 1000

var invalidLimit = &InvalidError{Field: "limit", Problem: fmt.Sprintf("must be between 1 and %d", MaxPage)}

// List returns up to limit (1-500) records that the filter chooses, in the
// order of their creation, or from the newest with Filter.Newest, beginning
// behind the id after ("" = at the start). next is the after of the following
// page, or "" at the end. A record that does not change is returned exactly once
// by a walk over all pages, whatever happens in between. A damaged record is
// left out, and raises the alarm. With an account, or an account and a workspace,
// it reads the keys of these alone. Where the index is damaged, a page reads
// every record instead.
func (s *Store) List(f Filter, after string, limit int) (records []*Record, next string, err error) {
	if limit < 1 || limit > MaxPage {
		return nil, "", invalidLimit
	}
	if after != "" && !validID(after) {
		return nil, "", invalidCursor
	}
	l := &listing{store: s, filter: f, now: s.Now(), limit: limit, astray: s.unindexed.Load() > 0}
	switch {
	case f.Account != "" && f.Workspace != "":
		l.under = workspaceFind(f.Account, f.Workspace)
	case f.Account != "":
		l.under = accountFind(f.Account)
	}
	if after != "" {
		raw, _ := parseID(after)
		l.at = append(l.under[:len(l.under):len(l.under)], raw[:]...)
	}
	for !l.astray && !l.done && len(l.records) <= limit {
		if err := s.view(l.chunk); err != nil {
			return nil, "", err
		}
	}
	if l.astray {
		err = s.view(func(tx *reader) error { return l.search(tx, after) })
	}
	if err != nil {
		return nil, "", err
	}
	records, next = l.page()
	return records, next, nil
}

var invalidCursor = &InvalidError{Field: "cursor", Problem: "is not one that a list returned"}

// listing walks the ids bucket, or the entries of one account or workspace in
// finds, a chunk in each transaction.
type listing struct {
	store   *Store
	filter  Filter
	under   []byte // the beginning of the entries in finds; nil for all ids
	now     time.Time
	limit   int
	at      []byte // the last entry walked over; nil at the start
	records []*Record
	walked  bool // at is of this walk, and not the caller's
	done    bool // the end was reached
	astray  bool // the index is damaged: search instead
}

// chunk goes on until the page has one record more than it may (so that page
// knows whether anything follows), the chunk is used up, the end is reached, or
// the index is seen to be damaged.
func (l *listing) chunk(tx *reader) error {
	c := l.bucket(tx).Cursor()
	k, err := l.begin(tx, c)
	if err != nil {
		return err
	}
	for n := 0; k != nil && bytes.HasPrefix(k, l.under) && n < chunk && len(l.records) <= l.limit && !l.astray; n++ {
		if len(k) != len(l.under)+len(ulid.ULID{}) || l.at != nil && bytes.Compare(k, l.at) != l.direction() {
			l.astray = true // out of order
			return nil
		}
		l.at, l.walked = bytes.Clone(k), true
		if err := l.visit(tx, ulid.ULID(k[len(l.under):])); err != nil {
			return err
		}
		k = l.step(c)
	}
	if l.done = k == nil || !bytes.HasPrefix(k, l.under); l.done {
		l.mustBeGood(tx, k)
	}
	return nil
}

// mustBeGood judges the entry at which a walk over finds begins or ends outside
// of what it is to walk over: a damaged one may belong to it, or have led the
// search past others.
func (l *listing) mustBeGood(tx *reader, k []byte) {
	if l.under != nil && k != nil && !tx.goodFind(k, nil) {
		l.astray = true
	}
}

func (l *listing) bucket(tx *reader) *bolt.Bucket {
	if l.under != nil {
		return tx.finds
	}
	return tx.ids
}

func (l *listing) direction() int {
	if l.filter.Newest {
		return -1
	}
	return 1
}

func (l *listing) step(c *bolt.Cursor) (k []byte) {
	if l.filter.Newest {
		k, _ = c.Prev()
	} else {
		k, _ = c.Next()
	}
	return k
}

// begin moves behind the last entry, or to the first.
func (l *listing) begin(tx *reader, c *bolt.Cursor) (k []byte, err error) {
	if l.at == nil {
		return l.first(tx, c), nil
	}
	if k, _ = c.Seek(l.at); bytes.Equal(k, l.at) {
		return l.step(c), nil
	}
	if l.astray = true; l.walked { // what an import left is removed again
		return nil, nil
	}
	return nil, l.mayFollow(tx, ulid.ULID(l.at[len(l.under):]))
}

// mayFollow refuses a cursor that stands for no key of the list: it is not to
// cost a search. Where the index is damaged it may stand for one.
func (l *listing) mayFollow(tx *reader, id ulid.ULID) error {
	entry := tx.ids.Get(id[:])
	if entry == nil {
		return l.mustBeMissing(tx, id)
	}
	_, rec, err := tx.indexed(id, entry)
	if err == nil && !l.covers(rec) {
		return invalidCursor
	}
	return nil
}

// covers reports whether a record belongs to what the walk is over.
func (l *listing) covers(rec *Record) bool {
	return l.under == nil || slices.ContainsFunc(findsOf(rec), func(entry []byte) bool {
		return len(entry) == len(l.under)+len(ulid.ULID{}) && bytes.HasPrefix(entry, l.under)
	})
}

// mustBeMissing refuses an id if its place in the index is sound: if it was
// there, and is damaged, it stands between the same neighbours, or the page is
// not in order.
func (l *listing) mustBeMissing(tx *reader, id ulid.ULID) error {
	ordered, err := l.store.areInOrder(tx.ids, are(id[:]), false)
	if err != nil || !ordered {
		return err
	}
	c := tx.ids.Cursor()
	k, v := c.Seek(id[:])
	after := k == nil || tx.goodEntry(k, v)
	k, v = before(c, k)
	if after && (k == nil || tx.goodEntry(k, v)) {
		return invalidCursor
	}
	return nil
}

// first moves to the first entry of the walk, and looks at the one outside.
func (l *listing) first(tx *reader, c *bolt.Cursor) (k []byte) {
	edge := bytes.Clone(l.under)
	if l.filter.Newest {
		edge = append(edge, bytes.Repeat([]byte{0xff}, len(ulid.ULID{})+1)...)
	}
	k, _ = c.Seek(edge)
	outside, _ := before(c, k)
	if l.filter.Newest {
		l.mustBeGood(tx, k)
		return outside
	}
	l.mustBeGood(tx, outside)
	k, _ = c.Seek(edge)
	return k
}

// before is the entry before the one that was sought.
func before(c *bolt.Cursor, sought []byte) (k, v []byte) {
	if sought == nil {
		return c.Last()
	}
	return c.Prev()
}

func (l *listing) visit(tx *reader, id ulid.ULID) error {
	digest, rec, err := tx.indexed(id, tx.ids.Get(id[:]))
	var damaged *damagedRecord
	var missing *NotFoundError
	switch {
	case errors.As(err, &damaged):
		l.store.alarm(damaged)
	case errors.As(err, &missing): // of an import that is not finished
	case errors.Is(err, errAstray):
		// An entry that was replaced by a sound one is of no consequence.
		l.astray = rec == nil || !tx.isIndexed(rec, digest[:])
	case err != nil:
		return err
	case !l.covers(rec):
		l.astray = true // the entry was that of another key
	case l.filter.matches(rec, l.now):
		l.records = append(l.records, rec)
	}
	return nil
}

// search fills the page from the records themselves, keeping those that come first.
func (l *listing) search(tx *reader, after string) error {
	l.records = nil
	c := tx.keys.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		rec, err := tx.sound(k, v)
		var damaged *damagedRecord
		switch {
		case errors.As(err, &damaged):
			l.store.alarm(damaged)
		case err != nil:
			return err
		case tx.arrived(rec) && l.follows(rec.ID, after) && l.filter.matches(rec, l.now):
			l.records = append(l.records, rec)
		}
		if len(l.records) > 4*MaxPage {
			l.keepFirst()
		}
	}
	l.keepFirst()
	return nil
}

func (l *listing) follows(id, after string) bool {
	return after == "" || strings.Compare(id, after) == l.direction()
}

// keepFirst sorts the records and drops what the page has no use for.
func (l *listing) keepFirst() {
	slices.SortFunc(l.records, func(a, b *Record) int { return l.direction() * strings.Compare(a.ID, b.ID) })
	l.records = l.records[:min(len(l.records), l.limit+1)]
}

func (l *listing) page() (records []*Record, next string) {
	if len(l.records) <= l.limit {
		return l.records, ""
	}
	records = l.records[:l.limit]
	return records, records[l.limit-1].ID
}
