package keystore

import (
	"bytes"
	"errors"

	"github.com/oklog/ulid/v2"
)

// The ids bucket is not sealed, and nothing in it is believed: it leads to a
// record, which must agree. Where it leads astray, the records themselves are
// searched, so that a flipped bit in it never hides a key that works, nor keeps
// one from being revoked.

// errAstray: the index does not lead to the record of an id.
var errAstray = errors.New("the index leads elsewhere")

// byID finds the record of an id. An id that no key has is a *NotFoundError.
func (r *reader) byID(id string) (Digest, *Record, error) {
	raw, ok := parseID(id)
	if !ok {
		return Digest{}, nil, &NotFoundError{ID: id}
	}
	digest, rec, err := r.indexed(raw, r.ids.Get(raw[:]))
	if !errors.Is(err, errAstray) {
		return digest, rec, err
	}
	if digest, rec, err = r.search(raw); err == nil && r.astray != nil {
		r.astray(id)
	}
	return digest, rec, err
}

// indexed follows the entry of an id. With errAstray comes the sound record of
// another id, if it leads to one.
func (r *reader) indexed(id ulid.ULID, entry []byte) (Digest, *Record, error) {
	if len(entry) != len(Digest{}) {
		return Digest{}, nil, errAstray
	}
	digest := Digest(entry)
	rec, err := r.record(digest)
	var damaged *damagedRecord
	switch {
	case err == nil && rec.ID == id.String():
		return digest, rec, nil
	case errors.Is(err, errPending):
		return Digest{}, nil, &NotFoundError{ID: id.String()}
	case errors.As(err, &damaged) && damaged.id == id.String():
		return Digest{}, nil, err
	}
	return digest, rec, errAstray
}

// search looks through all records for the one of an id.
func (r *reader) search(id ulid.ULID) (Digest, *Record, error) {
	damaged := r.leadsToDamage(id)
	c := r.keys.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(v) < idOffset+len(id) || !bytes.Equal(v[idOffset:idOffset+len(id)], id[:]) {
			continue
		}
		rec, err := r.sound(k, v)
		switch {
		case err == nil && r.arrived(rec):
			return Digest(k), rec, nil
		case err != nil:
			damaged = true
		}
	}
	if damaged {
		return Digest{}, nil, &damagedRecord{id: id.String(), reason: errors.New("no sound record has this id")}
	}
	return Digest{}, nil, &NotFoundError{ID: id.String()}
}

// leadsToDamage reports whether an id is in the index, and not just as another
// id gone wrong.
func (r *reader) leadsToDamage(id ulid.ULID) bool {
	entry := r.ids.Get(id[:])
	_, rec, _ := r.indexed(id, entry)
	return entry != nil && rec == nil
}

// sound opens a record that a walk met, if a check finds it too: where a digest
// before it on its page is damaged, it may not.
func (r *reader) sound(digest, value []byte) (*Record, error) {
	rec, err := r.open(digest, value)
	if err == nil && !bytes.Equal(r.keys.Get(digest), value) {
		return nil, &damagedRecord{id: rec.ID, reason: errors.New("its place in the file is damaged")}
	}
	return rec, err
}

// isIndexed reports whether the index leads from a sound record's id to it.
func (r *reader) isIndexed(rec *Record, digest []byte) bool {
	id, ok := parseID(rec.ID)
	return ok && bytes.Equal(r.ids.Get(id[:]), digest) && r.isFound(rec)
}

// byID also mends the index, in the transaction of the change. It does not
// merely write the entry: see rebuild.go.
func (w *writer) byID(id string) (Digest, *Record, error) {
	digest, rec, err := w.reader.byID(id)
	if err == nil && !w.isIndexed(rec, digest[:]) {
		err = w.rebuildIndex()
	}
	return digest, rec, err
}
