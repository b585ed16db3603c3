package keystore

import (
	"bytes"
	"slices"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"
)

// bbolt takes the order of the keys on a page, and their agreement with the page
// above, on trust. Where a flipped bit in a key has broken it, a write to that
// page hangs the new page in beside the old one, which stays reachable: a revoke
// would be undone without a word, or the file ruined. So a change looks at the
// page first (areInOrder), and builds a bucket that is not in order anew.

// are makes entries without values from keys, in order.
func are(keys ...[]byte) (entries []entry) {
	for _, k := range keys {
		entries = append(entries, entry{k: k})
	}
	slices.SortFunc(entries, byKey)
	return entries
}

// goodEntry accepts an entry of the index that leads to a record, which must
// agree on the id if it is sound.
func (r *reader) goodEntry(id, digest []byte) bool {
	if len(id) != 16 || len(digest) != len(Digest{}) {
		return false
	}
	value := r.keys.Get(digest)
	return value != nil && (!r.isSealed(digest, value) || bytes.Equal(value[idOffset:idOffset+16], id))
}

// goodFind accepts an entry of finds that its record confirms, and all of a
// damaged one.
func (r *reader) goodFind(entry, _ []byte) bool {
	if len(entry) <= len(ulid.ULID{}) {
		return false
	}
	digest := r.ids.Get(entry[len(entry)-len(ulid.ULID{}):])
	value := r.keys.Get(digest)
	if value == nil {
		return false
	}
	rec, err := decodeRecord(value[:max(0, len(value)-tagLength)])
	if err == nil && containsFind(findsOf(rec), entry) {
		return true
	}
	return !r.isSealed(digest, value)
}

func (r *reader) isSealed(digest, value []byte) bool {
	cut := max(0, len(value)-tagLength)
	return cut >= idOffset+16 && r.hasher.sealed(value[cut:], tagRecord, digest, value[:cut])
}

// rebuildKeys puts the records into order, damaged ones too, and then the index.
func (w *writer) rebuildKeys() (err error) {
	entries, err := sorted(w.keys)
	if err != nil {
		return err
	}
	if w.keys, err = refill(w.keys.Tx(), bucketKeys, entries); err != nil {
		return err
	}
	return w.rebuildIndex()
}

// rebuildIndex makes the index anew. Sound records say their ids themselves;
// where a damaged one belongs only the old index can know, or else its own word
// must do.
func (w *writer) rebuildIndex() (err error) {
	index, held := map[ulid.ULID][]byte{}, map[Digest]bool{}
	note := func(id, digest []byte) {
		index[ulid.ULID(id)] = bytes.Clone(digest)
		held[Digest(digest)] = true
	}
	err = w.ids.ForEach(func(id, digest []byte) error {
		if w.goodEntry(id, digest) {
			note(id, digest)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var damaged [][2][]byte
	err = w.keys.ForEach(func(digest, value []byte) error {
		switch {
		case len(digest) != len(Digest{}) || len(value) < idOffset+16:
		case w.isSealed(digest, value):
			note(value[idOffset:idOffset+16], digest)
		case !held[Digest(digest)]:
			damaged = append(damaged, [2][]byte{value[idOffset : idOffset+16], digest})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range damaged {
		if _, taken := index[ulid.ULID(d[0])]; !taken {
			note(d[0], d[1])
		}
	}
	entries := make([]entry, 0, len(index))
	for id, digest := range index {
		entries = append(entries, entry{id[:], digest})
	}
	slices.SortFunc(entries, byKey)
	if w.ids, err = refill(w.ids.Tx(), bucketIDs, entries); err != nil {
		return err
	}
	return w.rebuildFinds()
}

// rebuildAudit puts the audit records into order. The link of a record tells
// that its number alone is wrong.
func (w *writer) rebuildAudit() error {
	at, err := w.auditAnchor()
	if err != nil {
		return err
	}
	var entries []entry
	err = w.audit.ForEach(func(k, v []byte) error {
		e := entry{bytes.Clone(k), bytes.Clone(v)}
		if next := auditKey(at.Seq + 1); len(v) >= linkLength && w.link(at.Link, next, v[linkLength:]) == auditLink(v) {
			e.k = next
		}
		at.Seq, _ = auditNumber(e.k)
		copy(at.Link[:], v)
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(entries, byKey)
	sequence := w.audit.Sequence()
	if w.audit, err = refill(w.audit.Tx(), bucketAudit, entries); err != nil {
		return err
	}
	return w.audit.SetSequence(sequence)
}

// entry is a key and a value of a bucket.
type entry struct{ k, v []byte }

func byKey(a, b entry) int { return bytes.Compare(a.k, b.k) }

// sorted copies a bucket that may not be in order.
func sorted(b *bolt.Bucket) (entries []entry, err error) {
	err = b.ForEach(func(k, v []byte) error {
		entries = append(entries, entry{bytes.Clone(k), bytes.Clone(v)})
		return nil
	})
	slices.SortFunc(entries, byKey)
	return entries, err
}

// refill replaces a bucket.
func refill(tx *bolt.Tx, name []byte, entries []entry) (*bolt.Bucket, error) {
	if err := tx.DeleteBucket(name); err != nil {
		return nil, err
	}
	b, err := tx.CreateBucket(name)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := b.Put(e.k, e.v); err != nil {
			return nil, err
		}
	}
	return b, nil
}
