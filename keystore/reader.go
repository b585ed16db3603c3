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

// namedBucket says where a reader keeps a bucket.
type namedBucket struct {
	name []byte
	into **bolt.Bucket
}

// newerBuckets are those that format 1 has not.
func (r *reader) newerBuckets() [4]namedBucket {
	return [...]namedBucket{{bucketFinds, &r.finds}, {bucketOnce, &r.once}, {bucketOnces, &r.onces}, {bucketImports, &r.imports}}
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

// record reads the record under a digest, if it counts.
func (r *reader) record(d Digest) (*Record, error) {
	rec, err := r.stored(d)
	if err == nil {
		err = r.admit(rec)
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// stored reads the record under a digest.
func (r *reader) stored(d Digest) (*Record, error) {
	value := r.keys.Get(d[:])
	if value == nil {
		return nil, ErrUnknownKey
	}
	return r.open(d[:], value)
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
	ordered bool       // the pages of keys that it will change are known to be in order
	arrives bool       // it makes the keys of an import count
}

// put stores a record under its digest.
func (w *writer) put(d Digest, rec *Record) error {
	w.touched = append(w.touched, d)
	encoded, err := appendRecord(nil, rec)
	if err != nil {
		return err
	}
	if err := w.readyKeys(d); err != nil {
		return err
	}
	before, _ := w.stored(d) // a damaged one leaves its finds behind, which lead nowhere
	tag := w.hasher.tag(tagRecord, d[:], encoded)
	if err := w.keys.Put(d[:], append(encoded, tag...)); err != nil {
		return err
	}
	return w.refind(before, rec)
}

// readyKeys makes sure that records can be put under these digests.
func (w *writer) readyKeys(digests ...Digest) error {
	if w.ordered {
		return nil
	}
	var keys [][]byte
	for i := range digests {
		keys = append(keys, digests[i][:])
	}
	ordered, err := w.store.areInOrder(w.keys, are(keys...), false)
	if err != nil || ordered {
		return err
	}
	return w.rebuildKeys()
}

func (w *writer) putMeta(name string, value []byte) error {
	tag := w.hasher.tag(tagMeta, []byte(name), value)
	return w.meta.Put([]byte(name), append(value[:len(value):len(value)], tag...))
}
