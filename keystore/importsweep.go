package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/oklog/ulid/v2"
)

// removeUnfinished removes the records of every import that is pending in the
// file, in bounded transactions, and then its state. Nobody sees them, so the
// order means nothing to anybody; and should it end half way, what is left is
// still pending. The caller holds s.importing, so none is finished meanwhile.
func (s *Store) removeUnfinished(ctx context.Context) error {
	s.underway = nil
	var pending []ulid.ULID
	err := s.view(func(tx *reader) error {
		pending = tx.pendingImports()
		return nil
	})
	if err != nil || len(pending) == 0 {
		return err
	}
	sw := sweep{pending: pending, most: s.bounds.records, at: []byte{}}
	for !sw.done {
		if err := errors.Join(ctx.Err(), s.view(sw.look)); err != nil {
			return err
		}
		if len(sw.found) == 0 {
			continue
		}
		if err := s.apply(By{}, sw.remove); err != nil {
			return err
		}
	}
	return s.apply(By{}, func(w *writer) error {
		for _, id := range pending {
			if err := w.imports.Delete(id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweep walks the keys bucket, a stretch in each transaction.
type sweep struct {
	pending []ulid.ULID
	most    int     // records looked at in one transaction
	at      []byte  // the last digest that was looked at
	found   []entry // the digests that are to be removed next; no values
	done    bool
}

// look finds records to remove. That it walks in a read transaction lets changes
// go on meanwhile.
func (sw *sweep) look(tx *reader) error {
	sw.found = nil
	c := tx.keys.Cursor()
	k, v := c.Seek(sw.at)
	for n := 0; k != nil && n < sw.most; n++ {
		if bytes.Compare(k, sw.at) < 0 {
			return fmt.Errorf("remove an import: %w", errNoProgress)
		}
		if sw.claims(v) {
			sw.found = append(sw.found, entry{k: bytes.Clone(k)})
		}
		sw.at = bytes.Clone(k)
		k, v = c.Next()
	}
	sw.done = k == nil
	return nil
}

// claims reports whether a record says that it is of a pending import. That is
// not proven, since one that is damaged shall go too: a sound one cannot say so
// by accident.
func (sw *sweep) claims(value []byte) bool {
	return len(value) >= fixedLength && value[0] == recordVersion && slices.Contains(sw.pending, ulid.ULID(value[importOffset:importOffset+16]))
}

// remove takes records away, and what leads to them.
func (sw *sweep) remove(w *writer) error {
	all := manyEntries{records: sw.found}
	damaged := false
	for _, e := range sw.found {
		rec, err := w.open(e.k, w.keys.Get(e.k))
		if err != nil {
			damaged = true
			continue
		}
		id, _ := parseID(rec.ID)
		all.ids = append(all.ids, entry{k: id[:]})
		for _, find := range findsOf(rec) {
			all.finds = append(all.finds, entry{k: find})
		}
	}
	slices.SortFunc(all.ids, byKey)
	slices.SortFunc(all.finds, byKey)
	if err := w.take(all); err != nil {
		return err
	}
	if damaged {
		return w.rebuildIndex() // what leads to it cannot be told from the record
	}
	return nil
}
