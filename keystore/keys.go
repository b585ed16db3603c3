package keystore

import (
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// The bounds of the time for which a rotated key keeps working.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * day
)

// NewKey is what a key is made from.
type NewKey struct {
	Name       string // trimmed; 1-100 printable characters; need not be unique
	Permission Permission
	Account    string // "" = "default"
	Workspace  string // "" = "default"
	Expiry     Expiry // MinLifetime to MaxLifetime, or never
}

// Create mints a key. The text is in the Secret and nowhere else; it cannot be
// had again. A bad value is an *InvalidError.
//
// Nothing acknowledged is lost: when Create, or any other change, returns
// without an error, the change and its audit record are on disk. A full disk
// is an error that errors.Is finds as syscall.ENOSPC, and leaves nothing half
// done.
func (s *Store) Create(k NewKey, by By) (*Record, Secret, error) {
	rec, err := k.record(s.prefix)
	if err != nil {
		return nil, Secret{}, err
	}
	text, err := mintText(randomSource, s.prefix)
	if err != nil {
		return nil, Secret{}, err
	}
	err = s.apply(by, func(w *writer) error {
		if rec.ExpiresAt, err = k.Expiry.from(w.now); err != nil {
			return err
		}
		if err := w.add(&rec, text); err != nil {
			return err
		}
		return w.log("create", rec.ID, nil, describe(&rec))
	})
	if err != nil {
		return nil, Secret{}, err
	}
	return &rec, text, nil
}

// record checks the fields that need no clock.
func (k NewKey) record(prefix string) (rec Record, err error) {
	rec = Record{Permission: k.Permission, Prefix: prefix}
	if !k.Permission.Valid() {
		return rec, &InvalidError{Field: "permission", Problem: "must be read, write or full"}
	}
	if rec.Name, err = cleanName(k.Name); err != nil {
		return rec, err
	}
	if rec.Account, err = cleanScope("account", k.Account); err != nil {
		return rec, err
	}
	rec.Workspace, err = cleanScope("workspace", k.Workspace)
	return rec, err
}

// add stores a new record under the digest of its text, with a new id.
func (w *writer) add(rec *Record, text Secret) error {
	last, _ := w.ids.Cursor().Last()
	if !inOrder(w.ids, last, w.goodEntry) {
		if err := w.rebuildIndex(); err != nil {
			return err
		}
		last, _ = w.ids.Cursor().Last()
	}
	id, err := newID(w.now, idOrZero(last))
	if err != nil {
		return err
	}
	t := text.Reveal()
	rec.ID, rec.CreatedAt, rec.Last4 = id.String(), w.now, t[len(t)-4:]
	digest := w.hasher.digest(t)
	if w.keys.Get(digest[:]) != nil {
		return fmt.Errorf("write keystore %q: a key with this digest exists", w.store.path)
	}
	if err := w.notePrefix(rec.Prefix); err != nil {
		return err
	}
	if err := w.put(digest, rec); err != nil {
		return err
	}
	return w.ids.Put(id[:], digest[:])
}

func idOrZero(b []byte) (id ulid.ULID) {
	copy(id[:], b)
	return id
}

// notePrefix keeps a prefix, in the file and before any look-up can want it.
func (w *writer) notePrefix(prefix string) error {
	w.store.addPrefix(prefix)
	name := metaPrefix + prefix
	if w.meta.Get([]byte(name)) != nil {
		return nil
	}
	return w.putMeta(name, nil)
}

// Get reads the record of an id. An id that no key has is a *NotFoundError, a
// damaged record ErrCorruptRecord.
func (s *Store) Get(id string) (rec *Record, err error) {
	err = s.view(func(tx *reader) error {
		_, rec, err = tx.byID(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// Rename gives a key another name and changes nothing else. A revoked key is a
// *RefusedError. The name it already has is done without a change.
func (s *Store) Rename(id, name string, by By) (*Record, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	return s.edit(id, by, func(w *writer, rec *Record) (changed bool, err error) {
		if !rec.RevokedAt.IsZero() {
			return false, &RefusedError{ID: id, Problem: "is revoked and cannot be renamed"}
		}
		if rec.Name == name {
			return false, nil
		}
		from := rec.Name
		rec.Name = name
		return true, w.log("rename", id, fields{"name": from}, fields{"name": name})
	})
}

// Revoke ends a key for good. Revoking it again is done, with the same answer
// and no second audit record.
//
// A check that begins after Revoke has returned is denied. After an error that
// is not a refusal, whether the key was revoked is not known: ask again.
func (s *Store) Revoke(id string, by By) (*Record, error) {
	return s.edit(id, by, func(w *writer, rec *Record) (changed bool, err error) {
		if !rec.RevokedAt.IsZero() {
			return false, nil
		}
		rec.RevokedAt = w.now
		return true, w.log("revoke", id, nil, fields{"revoked_at": stamp(w.now)})
	})
}

// edit changes a copy of one record in one transaction.
func (s *Store) edit(id string, by By, change func(*writer, *Record) (changed bool, err error)) (*Record, error) {
	var edited Record
	err := s.apply(by, func(w *writer) error {
		digest, rec, err := w.byID(id)
		if err != nil {
			return err
		}
		w.touched = append(w.touched, digest)
		edited = *rec
		changed, err := change(w, &edited)
		if err != nil || !changed {
			return err
		}
		return w.put(digest, &edited)
	})
	if err != nil {
		return nil, err
	}
	return &edited, nil
}
