package keystore

import (
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"
)

// reader reads within one transaction.
type reader struct {
	hasher                      *hasher
	meta, keys, ids, audit      *bolt.Bucket
	finds, once, onces, imports *bolt.Bucket
	astray                      func(id string) // told of each id that the index did not lead to; may be nil
}

// newerBuckets are those that format 1 has not.
func (r *reader) newerBuckets() map[string]**bolt.Bucket {
	return map[string]**bolt.Bucket{
		string(bucketFinds): &r.finds, string(bucketOnce): &r.once, string(bucketOnces): &r.onces, string(bucketImports): &r.imports,
	}
}

const (
	tagLength = 32
	tagRecord = "keygate: record, 1"
	tagMeta   = "keygate: meta, 1"
)

// damagedRecord is an ErrCorruptRecord that knows which record: id as far as it
// can be read, which is no proof.
type damagedRecord struct {
	id     string
	reason error
}

func (e *damagedRecord) Error() string {
	key := "the key"
	if e.id != "" {
		key = "key " + e.id
	}
	return fmt.Sprintf("%v: %s is denied and cannot be changed; create a new one instead (%v)", ErrCorruptRecord, key, e.reason)
}
func (e *damagedRecord) Unwrap() error { return ErrCorruptRecord }

// record reads the record under a digest.
func (r *reader) record(d Digest) (*Record, error) {
	value := r.keys.Get(d[:])
	if value == nil {
		return nil, ErrUnknownKey
	}
	rec, err := r.open(d[:], value)
	if err != nil || r.arrived(rec) {
		return rec, err
	}
	return nil, errPending
}

// open checks the tag of a stored record before it believes any of it.
func (r *reader) open(digest, value []byte) (*Record, error) {
	cut := max(0, len(value)-tagLength)
	encoded, tag := value[:cut], value[cut:]
	if !r.hasher.sealed(tag, tagRecord, digest, encoded) {
		return nil, &damagedRecord{id: claimedID(value), reason: errors.New("its integrity tag does not fit")}
	}
	rec, err := decodeRecord(encoded)
	if err != nil {
		return nil, &damagedRecord{id: claimedID(value), reason: err}
	}
	return rec, nil
}

func claimedID(value []byte) string {
	if len(value) < idOffset+16 {
		return ""
	}
	return ulid.ULID(value[idOffset : idOffset+16]).String()
}

// metaValue reads a sealed value of the meta bucket; nil when there is none.
func (r *reader) metaValue(name string) ([]byte, error) {
	value := r.meta.Get([]byte(name))
	if value == nil {
		return nil, nil
	}
	return r.unseal(name, value)
}

func (r *reader) unseal(name string, value []byte) ([]byte, error) {
	cut := max(0, len(value)-tagLength)
	if !r.hasher.sealed(value[cut:], tagMeta, []byte(name), value[:cut]) {
		return nil, fmt.Errorf("the value %q is damaged; restore a backup", name)
	}
	return value[:cut], nil
}

// writer makes one change. Everything in it happens at one time, now, in whole
// milliseconds.
type writer struct {
	*reader
	store   *Store
	now     time.Time
	by      By
	mark    time.Time  // as the transaction stores it
	head    *AuditHead // after the change; nil if it wrote no audit record
	touched []Digest   // to be evicted
}

// put stores a record under its digest.
func (w *writer) put(d Digest, rec *Record) error {
	w.touched = append(w.touched, d)
	encoded, err := appendRecord(nil, rec)
	if err != nil {
		return err
	}
	if !inOrder(w.keys, d[:], w.goodKey) {
		if err := w.rebuildKeys(); err != nil {
			return err
		}
	}
	var before *Record
	if value := w.keys.Get(d[:]); value != nil {
		before, _ = w.open(d[:], value) // a damaged one leaves its finds behind, which lead nowhere
	}
	tag := w.hasher.tag(tagRecord, d[:], encoded)
	if err := w.keys.Put(d[:], append(encoded, tag...)); err != nil {
		return err
	}
	return w.refind(before, rec)
}

func (w *writer) putMeta(name string, value []byte) error {
	tag := w.hasher.tag(tagMeta, []byte(name), value)
	return w.meta.Put([]byte(name), append(value[:len(value):len(value)], tag...))
}
