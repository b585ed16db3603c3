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
	Account    string // "" = "default"; with Operator every account
	Workspace  string // "" = "default"; with Operator every workspace of the account
	Expiry     Expiry // MinLifetime to MaxLifetime, or never
	Labels     map[string]string

	// Once names this call among all calls of its actor, so that repeating it
	// within OnceFor makes no second key: see RepeatedError. "" is no name.
	Once string

	// IfAbsent makes no key, but is an *ExistsError, if a key of this account and
	// workspace with the same LabelID has not come to its end. It wants that label.
	// Where the index is damaged, and no census has told of it yet, it may make one.
	IfAbsent bool
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
	err = s.apply(by, func(w *writer) error { return w.create(k, &rec, text) })
	if err != nil {
		return nil, Secret{}, err
	}
	return &rec, text, nil
}

func (w *writer) create(k NewKey, rec *Record, text Secret) (err error) {
	if err := w.onlyOnce("create", k.Once); err != nil {
		return err
	}
	if k.IfAbsent {
		if err := w.mustBeAbsent(rec); err != nil {
			return err
		}
	}
	if rec.ExpiresAt, err = k.Expiry.from(w.now); err != nil {
		return err
	}
	if err := w.add(rec, text); err != nil {
		return err
	}
	if err := w.log("create", rec, nil, describe(rec)); err != nil {
		return err
	}
	return w.noteOnce("create", k.Once, rec.ID)
}

// mustBeAbsent is an *ExistsError for a living key with the label: if a rotated
// one has it too, for its successor.
func (w *writer) mustBeAbsent(rec *Record) error {
	var found *Record
	consider := func(other *Record) {
		if !other.Ended(w.now) && rec.isNamesake(other) && (found == nil || found.ReplacedBy != "") {
			found = other
		}
	}
	if w.store.unindexed.Load() > 0 {
		w.eachRecord(func(_ Digest, other *Record) { consider(other) })
	} else if err := w.eachLabelled(rec, consider); err != nil {
		return err
	}
	if found == nil {
		return nil
	}
	return &ExistsError{Record: found}
}

func (r *Record) isNamesake(other *Record) bool {
	return other.Account == r.Account && other.Workspace == r.Workspace && other.Labels[LabelID] == r.Labels[LabelID]
}

// eachLabelled visits the keys that finds knows to have the label of rec. It
// passes over those that cannot be read: better a key too many than none.
func (r *reader) eachLabelled(rec *Record, visit func(*Record)) error {
	return r.each(labelFind(rec.Account, rec.Workspace, rec.Labels[LabelID]), func(id ulid.ULID) (bool, error) {
		if _, other, err := r.byID(id.String()); err == nil {
			visit(other)
		}
		return true, nil
	})
}

// record checks the fields that need no clock.
func (k NewKey) record(prefix string) (rec Record, err error) {
	rec = Record{Permission: k.Permission, Prefix: prefix}
	if !k.Permission.Valid() {
		return rec, &InvalidError{Field: "permission", Problem: "must be read, write, full or operator"}
	}
	if err := checkOnce(k.Once); err != nil {
		return rec, err
	}
	if rec.Labels, err = cleanLabels(k.Labels); err != nil {
		return rec, err
	}
	if k.IfAbsent && rec.Labels[LabelID] == "" {
		return rec, &InvalidError{Field: "if_absent", Problem: `wants the label "id": it says which key must be absent`}
	}
	if rec.Name, err = cleanName(k.Name); err != nil {
		return rec, err
	}
	rec.Account, rec.Workspace, err = k.scope()
	return rec, err
}

// scope is the account and the workspace, of which an operator key need not
// have one.
func (k NewKey) scope() (account, workspace string, err error) {
	wide := k.Permission == Operator
	if wide && k.Account == "" && k.Workspace != "" {
		return "", "", &InvalidError{Field: "account", Problem: "must be given with a workspace: a workspace belongs to an account"}
	}
	if !wide || k.Account != "" {
		if account, err = cleanScope("account", k.Account); err != nil {
			return "", "", err
		}
	}
	if !wide || k.Workspace != "" {
		workspace, err = cleanScope("workspace", k.Workspace)
	}
	return account, workspace, err
}

// add stores a new record under the digest of its text, with a new id.
func (w *writer) add(rec *Record, text Secret) error {
	id, err := w.newID()
	if err != nil {
		return err
	}
	t := text.Reveal()
	rec.ID, rec.CreatedAt, rec.Last4, rec.CreatedBy = id.String(), w.now, t[len(t)-4:], w.by.Actor
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

// newID makes an id behind the last one, and makes sure that it can be put
// there.
func (w *writer) newID() (id ulid.ULID, err error) {
	last, digest := w.ids.Cursor().Last()
	if id, err = newID(w.now, idOrZero(last)); err != nil {
		return id, err
	}
	ordered, err := w.store.areInOrder(w.ids, are(id[:]), false)
	if err != nil || ordered && (last == nil || w.goodEntry(last, digest)) {
		return id, err
	}
	if err := w.rebuildIndex(); err != nil {
		return id, err
	}
	last, _ = w.ids.Cursor().Last()
	return newID(w.now, idOrZero(last))
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

// GetIndexed is Get for callers who may ask at any rate: an id that is not in
// the index is a *NotFoundError at once, where Get searches all records.
func (s *Store) GetIndexed(id string) (rec *Record, err error) {
	raw, ok := parseID(id)
	if !ok {
		return nil, &NotFoundError{ID: id}
	}
	err = s.view(func(tx *reader) error {
		if tx.ids.Get(raw[:]) == nil {
			return &NotFoundError{ID: id}
		}
		_, rec, err = tx.byID(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rec, nil
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
		return true, w.log("revoke", rec, nil, fields{"revoked_at": stamp(w.now)})
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
