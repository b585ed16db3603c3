package keystore

import (
	"bytes"
	"errors"
	"strings"

	"github.com/oklog/ulid/v2"
)

// A change of many keys looks at every record of the store, so that no damage to
// an index can hide one. It does so before it takes the lock of changes: a plain
// revoke beside it must not wait. What was made in the meantime has higher ids
// than all there was, and is looked at under the lock.

// ErrBusy: a key asked for a change of many keys while another such change is
// under way. They cost by the size of the store, so keys get one at a time.
var ErrBusy = errors.New("another change of many keys is under way; try again")

// survey is what was seen before the lock.
type survey struct {
	last     ulid.ULID // the highest id there was
	finished uint64    // imports that were finished by then, which bring ids of their own
	blind    bool      // the file is damaged: look at everything under the lock
}

// look shows every record that counts to visit, in bounded transactions.
func (s *Store) look(by By, visit func(Digest, *Record)) (v survey, err error) {
	if !strings.HasPrefix(by.Actor, madeBy) {
		s.surveying.Lock()
	} else if !s.surveying.TryLock() {
		return v, ErrBusy
	}
	defer s.surveying.Unlock()
	v.finished = s.finished.Load()
	err = s.view(func(tx *reader) error {
		last, _ := tx.ids.Cursor().Last()
		v.last = idOrZero(last)
		return tx.mustWork(by, s.Now())
	})
	if err != nil {
		return v, err
	}
	c := census{now: s.Now(), at: []byte{}, count: Count{ByStatus: map[Status]int{}}, show: visit}
	for !c.done && err == nil {
		err = s.view(c.chunk)
	}
	if errors.Is(err, errNoProgress) {
		v.blind, err = true, nil
	}
	return v, err
}

// catchUp shows the records that the survey has not seen.
func (w *writer) catchUp(v survey, visit func(Digest, *Record)) {
	if v.blind || v.finished != w.store.finished.Load() {
		w.eachRecord(visit)
		return
	}
	c := w.ids.Cursor()
	for k, entry := c.Seek(v.last[:]); k != nil; k, entry = c.Next() {
		if len(k) != len(v.last) || bytes.Equal(k, v.last[:]) {
			continue
		}
		if digest, rec, err := w.indexed(ulid.ULID(k), entry); err == nil {
			visit(digest, rec)
		}
	}
}

// RevokeDescendants ends a key and every key that it made, and that those made,
// in one transaction, with an audit record for each. It looks at every record
// of the store, so that no damage to an index can hide one. It returns the key
// itself first, and then those that it ended; what had ended already is not
// among them.
func (s *Store) RevokeDescendants(id string, by By) (revoked []*Record, err error) {
	if _, err := s.GetIndexed(id); err != nil && strings.HasPrefix(by.Actor, madeBy) {
		return nil, err
	}
	kin := kinship{}
	v, err := s.look(by, kin.add)
	if err != nil {
		return nil, err
	}
	err = s.apply(by, func(w *writer) error {
		revoked, err = w.revokeFamily(id, v, kin)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

func (w *writer) revokeFamily(id string, v survey, kin kinship) ([]*Record, error) {
	digest, root, err := w.byID(id)
	if err != nil {
		return nil, err
	}
	w.catchUp(v, kin.add)
	ended, err := w.endAll(append(kin.familyOf(root.ID), digest), nil, func(rec *Record) string {
		if rec.ID == root.ID {
			return ""
		}
		return "descendant of " + root.ID
	})
	if err != nil {
		return nil, err
	}
	return rootFirst(root, ended), nil
}

// kinship is who made whom: the keys by the id of their maker.
type kinship map[string][]kin

type kin struct {
	digest Digest
	id     string
}

func (k kinship) add(d Digest, rec *Record) {
	if maker := rec.MadeBy(); maker != "" {
		k[maker] = append(k[maker], kin{d, rec.ID})
	}
}

// familyOf is what a key made, and what those made.
func (k kinship) familyOf(root string) (family []Digest) {
	seen := map[string]bool{root: true}
	for todo := []string{root}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, child := range k[next] {
			if !seen[child.id] {
				seen[child.id] = true
				family, todo = append(family, child.digest), append(todo, child.id)
			}
		}
	}
	return family
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

// RevokeAll ends every key that the filter chooses and that has not come to its
// end, in one transaction, with an audit record for each. A dry run changes
// nothing and counts. A filter that chooses by nothing at all is an
// *InvalidError: too much would end by a slip.
func (s *Store) RevokeAll(f Filter, dryRun bool, by By) (count int, err error) {
	if f.Account == "" && f.Workspace == "" && f.CreatedBefore.IsZero() {
		return 0, &InvalidError{Field: "account", Problem: "give an account, a workspace or created_before: all keys at once cannot be meant"}
	}
	var found []Digest
	now := s.Now()
	choose := func(d Digest, rec *Record) {
		if !rec.Ended(now) && f.matches(rec, now) {
			found = append(found, d)
		}
	}
	v, err := s.look(by, choose)
	if err != nil || dryRun {
		return len(found), err
	}
	err = s.apply(by, func(w *writer) error {
		w.catchUp(v, choose)
		ended, err := w.endAll(found, func(rec *Record) bool { return f.matches(rec, w.now) }, func(*Record) string { return "one of many" })
		count = len(ended)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

// endAll revokes those that have not ended and that are still chosen; nil chooses
// all. The audit has the cause, unless it is "".
func (w *writer) endAll(chosen []Digest, still func(*Record) bool, cause func(*Record) string) (ended []*Record, err error) {
	var digests []Digest
	seen := map[Digest]bool{}
	for _, d := range chosen {
		rec, err := w.record(d)
		if err != nil || seen[d] || rec.Ended(w.now) || still != nil && !still(rec) {
			continue
		}
		revoked := *rec
		revoked.RevokedAt = w.now
		seen[d], digests, ended = true, append(digests, d), append(ended, &revoked)
	}
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
