package keystore

import (
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// Made counts the keys that a key made, and that those made, which have not come to
// their end: what RevokeDescendants would end beside it. It follows the entries
// of finds and so costs by what it counts, not by the size of the store.
func (s *Store) Made(id string) (living int, err error) {
	raw, ok := parseID(id)
	if !ok {
		return 0, &NotFoundError{ID: id}
	}
	now := s.Now()
	err = s.view(func(tx *reader) error {
		living, err = tx.countMade(raw, now)
		return err
	})
	return living, err
}

func (r *reader) countMade(maker ulid.ULID, now time.Time) (living int, err error) {
	seen := map[ulid.ULID]bool{maker: true}
	for todo := []ulid.ULID{maker}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		err = r.each(madeFind(next), func(id ulid.ULID) (bool, error) {
			_, rec, err := r.indexed(id, r.ids.Get(id[:]))
			if err != nil || rec.MadeBy() != next.String() || seen[id] {
				return true, nil
			}
			if seen[id] = true; !rec.Ended(now) {
				living++
			}
			todo = append(todo, id)
			return true, nil
		})
		if err != nil {
			return 0, err
		}
	}
	return living, nil
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
		if revoked, err = w.endAll(w.familyOf(root.ID), "descendant of "+root.ID); err != nil {
			return err
		}
		revoked, err = w.rootFirst(root.ID, revoked)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// rootFirst puts the key itself in front, also where it had ended before.
func (w *writer) rootFirst(id string, revoked []*Record) ([]*Record, error) {
	_, root, err := w.byID(id)
	if err != nil {
		return nil, err
	}
	sorted := []*Record{root}
	for _, rec := range revoked {
		if rec.ID != id {
			sorted = append(sorted, rec)
		}
	}
	return sorted, nil
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
		revoked, err := w.endAll(func(rec *Record) bool { return f.matches(rec, w.now) }, "one of many")
		count = len(revoked)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

func (s *Store) countLiving(f Filter) (count int, err error) {
	now := s.Now()
	err = s.view(func(tx *reader) error {
		tx.eachRecord(func(_ Digest, rec *Record) {
			if !rec.Ended(now) && f.matches(rec, now) {
				count++
			}
		})
		return nil
	})
	return count, err
}

// endAll revokes what chosen chooses and what has not ended.
func (w *writer) endAll(chosen func(*Record) bool, cause string) (revoked []*Record, err error) {
	var digests []Digest
	w.eachRecord(func(d Digest, rec *Record) {
		if !rec.Ended(w.now) && chosen(rec) {
			ended := *rec
			ended.RevokedAt = w.now
			digests, revoked = append(digests, d), append(revoked, &ended)
		}
	})
	for i, rec := range revoked {
		if err := w.put(digests[i], rec); err != nil {
			return nil, err
		}
		if err := w.log("revoke", rec, nil, fields{"revoked_at": stamp(w.now), "cause": cause}); err != nil {
			return nil, err
		}
	}
	return revoked, nil
}

// eachRecord visits every sound record that counts.
func (r *reader) eachRecord(visit func(Digest, *Record)) {
	c := r.keys.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if rec, err := r.sound(k, v); err == nil && len(k) == len(Digest{}) && r.arrived(rec) {
			visit(Digest(k), rec)
		}
	}
}

// Retiring lists the rotated keys that shall end once they are unused, and have
// not ended yet.
func (s *Store) Retiring() (records []*Record, err error) {
	now := s.Now()
	err = s.view(func(tx *reader) error {
		records = nil
		return tx.each([]byte{findRetiring}, func(id ulid.ULID) (bool, error) {
			if _, rec, err := tx.indexed(id, tx.ids.Get(id[:])); err == nil && rec.RetireUnused > 0 && !rec.Ended(now) {
				records = append(records, rec)
			}
			return true, nil
		})
	})
	return records, err
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
