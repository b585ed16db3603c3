package keystore

import (
	"bytes"
	"errors"

	bolt "go.etcd.io/bbolt"
)

// importBounds are how much an import does at once.
type importBounds struct {
	held    int // records that it keeps in memory before it stores them
	records int // that one transaction stores or removes
	entries int // of ids or finds that one transaction stores
}

var defaultBounds = importBounds{held: 200_000, records: 10_000, entries: 25_000}

// importFill is how full the pages are that an import writes. bbolt's own
// measure is a half, which leaves room for more and doubles what is written.
const importFill = 0.8

// manyEntries are entries of the buckets that a change of many records puts or
// deletes, in rising order.
type manyEntries struct{ records, ids, finds []entry }

// manyIn are the entries of one bucket.
type manyIn struct {
	bucket  *bolt.Bucket
	entries []entry
	rebuild func() error
}

// parts are the entries by bucket. A bucket may be another after a rebuild.
func (w *writer) parts(all manyEntries) [3]manyIn {
	return [...]manyIn{
		{w.keys, all.records, w.rebuildKeys}, {w.ids, all.ids, w.rebuildIndex}, {w.finds, all.finds, w.rebuildFinds},
	}
}

// readyFor makes sure that the pages which entries will change are in order: see
// rebuild.go. Deletions touch the pages beside them too.
func (w *writer) readyFor(all manyEntries, deletes bool) error {
	for _, part := range w.parts(all) {
		if ordered, err := w.store.areInOrder(part.bucket, part.entries, deletes); err != nil {
			return err
		} else if !ordered {
			return part.rebuild() // and with it what comes after
		}
	}
	return nil
}

// errTaken cannot happen, as the lines were judged: a key came in between that
// has the digest or the id of one of the import.
var errTaken = errors.New("a key that was made meanwhile stands where one of the import shall; import again")

// bring stores new entries.
func (w *writer) bring(all manyEntries) error {
	if err := w.readyFor(all, false); err != nil {
		return err
	}
	for _, part := range w.parts(all) {
		part.bucket.FillPercent = importFill
		for _, e := range part.entries {
			if e.v != nil && isAnother(part.bucket.Get(e.k), e.v) {
				return errTaken
			}
			if err := part.bucket.Put(e.k, e.v); err != nil {
				return err
			}
		}
	}
	return nil
}

// isAnother reports whether something else stands in the place of a value: a
// rebuild may have brought the entry already.
func isAnother(there, value []byte) bool { return there != nil && !bytes.Equal(there, value) }

// take removes entries.
func (w *writer) take(all manyEntries) error {
	if err := w.readyFor(all, true); err != nil {
		return err
	}
	for _, part := range w.parts(all) {
		for _, e := range part.entries {
			if err := part.bucket.Delete(e.k); err != nil {
				return err
			}
		}
	}
	return nil
}
