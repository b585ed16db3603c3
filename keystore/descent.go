package keystore

import (
	"bytes"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// MaxMade is where Made stops counting.
const MaxMade = 10_000

// Made counts the keys that a key made, and that those made, which have not come to
// their end: what RevokeDescendants would end beside it. MaxMade means so many
// or more. It follows the entries of finds, in bounded transactions, and so
// costs by what it meets, not by the size of the store.
func (s *Store) Made(id string) (living int, err error) {
	raw, ok := parseID(id)
	if !ok {
		return 0, &NotFoundError{ID: id}
	}
	m := &making{now: s.Now(), seen: map[ulid.ULID]bool{raw: true}, makers: []ulid.ULID{raw}}
	for !m.done() {
		if err := s.view(m.chunk); err != nil {
			return 0, err
		}
	}
	return m.living, nil
}

// making walks over what keys made, a chunk in each transaction.
type making struct {
	now    time.Time
	seen   map[ulid.ULID]bool
	makers []ulid.ULID // still to be looked at
	from   ulid.ULID   // of the keys that the first of them made, those from here on
	living int
}

func (m *making) done() bool { return len(m.makers) == 0 || m.living >= MaxMade }

func (m *making) chunk(tx *reader) error {
	c := tx.finds.Cursor()
	for n := 0; n < chunk && !m.done(); n++ {
		under := madeFind(m.makers[0])
		k, _ := c.Seek(append(under[:len(under):len(under)], m.from[:]...))
		if !bytes.HasPrefix(k, under) || len(k) != len(under)+len(m.from) || bytes.Compare(k[len(under):], m.from[:]) < 0 {
			m.makers, m.from = m.makers[1:], ulid.ULID{}
			continue
		}
		id := ulid.ULID(k[len(under):])
		m.visit(tx, id)
		var err error
		if m.from, err = nextID(id); err != nil {
			return err
		}
	}
	return nil
}

func (m *making) visit(tx *reader, id ulid.ULID) {
	_, rec, err := tx.indexed(id, tx.ids.Get(id[:]))
	if err != nil || m.seen[id] || rec.MadeBy() != m.makers[0].String() {
		return
	}
	m.seen[id], m.makers = true, append(m.makers, id)
	if !rec.Ended(m.now) {
		m.living++
	}
}

// Retiring lists the rotated keys that shall end once they are unused, and have
// not ended yet. Others cost it nothing.
func (s *Store) Retiring() (records []*Record, err error) {
	now := s.Now()
	at := retiringFind(now)
	for done := false; !done; {
		err := s.view(func(tx *reader) error {
			c := tx.finds.Cursor()
			k, _ := c.Seek(at)
			for n := 0; n < chunk && isRetiring(k, at); n++ {
				id := ulid.ULID(k[retiringLength-len(ulid.ULID{}):])
				if _, rec, err := tx.indexed(id, tx.ids.Get(id[:])); err == nil && rec.RetireUnused > 0 && !rec.Ended(now) {
					records = append(records, rec)
				}
				at = append(bytes.Clone(k), 0) // behind it
				k, _ = c.Next()
			}
			done = !isRetiring(k, at)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return records, nil
}

// isRetiring reports whether an entry is of a rotated key, and behind at.
func isRetiring(entry, at []byte) bool {
	return len(entry) == retiringLength && entry[0] == findRetiring && bytes.Compare(entry, at) >= 0
}

// EndUnused ends a key of Retiring, as if its overlap were over. Any other is a
// *RefusedError.
func (s *Store) EndUnused(id string, by By) (*Record, error) {
	return s.edit(id, by, func(w *writer, rec *Record) (changed bool, err error) {
		if rec.RetireUnused == 0 || rec.Ended(w.now) {
			return false, &RefusedError{ID: id, Problem: fmt.Sprintf("is %s and not to be retired", rec.Status(w.now))}
		}
		from := fields{"expires_at": stamp(rec.ExpiresAt)}
		rec.ExpiresAt = w.now
		return true, w.log("retire", rec, from, fields{"expires_at": stamp(w.now)})
	})
}
