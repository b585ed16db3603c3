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
	sw := sweep{store: s, pending: pending, at: []byte{}}
	for !sw.done {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := sw.step(); err != nil {
			return err
		}
	}
	return s.apply(By{}, func(w *writer) error {
		for _, id := range pending {
			if err := w.readyForImport(id); err != nil {
				return err
			}
			if err := w.imports.Delete(id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweep walks the keys bucket, a stretch in each transaction.
type sweep struct {
	store   *Store
	pending []ulid.ULID
	at      []byte  // the last digest that was looked at
	found   []entry // the digests that are to be removed next; no values
	done    bool
	mended  bool // the order of the digests
}

// step removes what a stretch has. Where the digests are out of order, it puts
// them into order first, once, and begins anew.
func (sw *sweep) step() error {
	s := sw.store
	err := s.view(sw.look)
	if errors.Is(err, errNoProgress) && !sw.mended {
		sw.at, sw.found, sw.mended = []byte{}, nil, true
		return s.apply(By{}, (*writer).rebuildKeys)
	}
	if err != nil || len(sw.found) == 0 {
		return err
	}
	return s.apply(By{}, sw.remove)
}

// look finds records to remove. That it walks in a read transaction lets changes
// go on meanwhile.
func (sw *sweep) look(tx *reader) error {
	sw.found = nil
	if ordered, err := sw.store.areInOrder(tx.keys, are(sw.at), false); err != nil {
		return err
	} else if !ordered {
		return fmt.Errorf("remove an import: %w", errNoProgress)
	}
	c := tx.keys.Cursor()
	k, v := c.Seek(sw.at)
	for n := 0; k != nil && n <= sw.store.bounds.records; n++ {
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
