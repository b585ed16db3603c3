package keystore

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// upgrade brings a file of format 1, which has records of version 1, an audit
// without a chain, and none of the newer buckets, to this format, in one
// transaction. An older keygate refuses the file from then on, and leaves it
// untouched. Records keep their version until they change.
func (s *Store) upgrade() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	w := &writer{store: s, now: s.clock.now()}
	return s.commit(w, func(w *writer) error {
		if err := w.makeBuckets(w.meta.Tx()); err != nil {
			return err
		}
		if err := w.rebuildFinds(); err != nil {
			return err
		}
		if err := w.chainAudit(); err != nil {
			return err
		}
		return w.meta.Put([]byte(metaFormat), encodeFormat(fileFormat))
	})
}

// makeBuckets makes the buckets that format 1 has not.
func (w *writer) makeBuckets(tx *bolt.Tx) error {
	for _, b := range w.newerBuckets() {
		bucket, err := tx.CreateBucketIfNotExists(b.name)
		if err != nil {
			return err
		}
		*b.into = bucket
	}
	return nil
}

// chainAudit links the audit records of format 1.
func (w *writer) chainAudit() error {
	entries, err := sorted(w.audit)
	if err != nil {
		return err
	}
	sequence := w.audit.Sequence()
	link := chainStart
	for i, e := range entries {
		if len(e.k) != 8 {
			return errNoBucket
		}
		link = w.link(link, e.k, e.v)
		w.head = &AuditHead{Seq: binary.BigEndian.Uint64(e.k), Link: link}
		entries[i].v = append(link[:], e.v...)
	}
	if w.audit, err = refill(w.audit.Tx(), bucketAudit, entries); err != nil {
		return err
	}
	return w.audit.SetSequence(sequence)
}
