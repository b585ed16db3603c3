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

// RevokeDescendants ends a key and every key that it made, and that those made,
// in one transaction, with an audit record for each. It looks at every record
// of the store, so that no damage to an index can hide one. It returns the key
// itself first, and then those that it ended; what had ended already is not
// among them.
func (s *Store) RevokeDescendants(id string, by By) (revoked []*Record, err error) {
	err = s.apply(by, func(w *writer) error {
		_, root, err := w.byID(id)
		if err != nil {
			return err
		}
		ended, err := w.endAll(w.familyOf(root.ID), func(rec *Record) string {
			if rec.ID == root.ID {
				return ""
			}
			return "descendant of " + root.ID
		})
		if err != nil {
			return err
		}
		revoked = rootFirst(root, ended)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// rootFirst puts the key itself in front, also where it had ended before.
func rootFirst(root *Record, ended []*Record) []*Record {
	sorted := []*Record{root}
	for _, rec := range ended {
		if rec.ID == root.ID {
			sorted[0] = rec
		} else {
			sorted = append(sorted, rec)
		}
	}
	return sorted
}

// familyOf chooses a key and its descendants, found by a walk over all records.
func (w *writer) familyOf(root string) func(*Record) bool {
	children := map[string][]string{}
	w.eachRecord(func(_ Digest, rec *Record) {
		if maker := rec.MadeBy(); maker != "" {
			children[maker] = append(children[maker], rec.ID)
		}
	})
	family := map[string]bool{root: true}
	for todo := []string{root}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, id := range children[next] {
			if !family[id] {
				family[id] = true
				todo = append(todo, id)
			}
		}
	}
	return func(rec *Record) bool { return family[rec.ID] }
}

// RevokeAll ends every key that the filter chooses and that has not come to its
// end, in one transaction, with an audit record for each. A dry run changes
// nothing and counts. A filter that chooses by nothing at all is an
// *InvalidError: too much would end by a slip.
func (s *Store) RevokeAll(f Filter, dryRun bool, by By) (count int, err error) {
	if f.Account == "" && f.Workspace == "" && f.CreatedBefore.IsZero() {
		return 0, &InvalidError{Field: "account", Problem: "give an account, a workspace or created_before: all keys at once cannot be meant"}
	}
	if dryRun {
		return s.countLiving(f)
	}
	err = s.apply(by, func(w *writer) error {
		revoked, err := w.endAll(func(rec *Record) bool { return f.matches(rec, w.now) }, func(*Record) string { return "one of many" })
		count = len(revoked)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

func (s *Store) countLiving(f Filter) (count int, err error) {
	c := census{now: s.Now(), at: []byte{}, count: Count{ByStatus: map[Status]int{}}}
	c.also = func(rec *Record) {
		if !rec.Ended(c.now) && f.matches(rec, c.now) {
			count++
		}
	}
	for !c.done {
		if err := s.view(c.chunk); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// endAll revokes what chosen chooses and what has not ended. The audit has the
// cause, unless it is "".
func (w *writer) endAll(chosen func(*Record) bool, cause func(*Record) string) (ended []*Record, err error) {
	var digests []Digest
	w.eachRecord(func(d Digest, rec *Record) {
		if !rec.Ended(w.now) && chosen(rec) {
			revoked := *rec
			revoked.RevokedAt = w.now
			digests, ended = append(digests, d), append(ended, &revoked)
		}
	})
	if err := w.readyKeys(digests...); err != nil {
		return nil, err
	}
	w.ordered = true
	for i, rec := range ended {
		if err := w.put(digests[i], rec); err != nil {
			return nil, err
		}
		to := fields{"revoked_at": stamp(w.now)}
		if why := cause(rec); why != "" {
			to["cause"] = why
		}
		if err := w.log("revoke", rec, nil, to); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

// eachRecord visits every sound record that counts.
func (r *reader) eachRecord(visit func(Digest, *Record)) {
	c := r.keys.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if rec, err := r.sound(k, v); err == nil && r.arrived(rec) {
			visit(Digest(k), rec)
		}
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
