package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/usage"
)

// Keyring is the keys as one caller may see and change them. The API and the
// console work through it alone, so that what a caller may do is decided in one
// place: a key that the caller may not see is answered exactly like one that
// does not exist. Each change writes one line to the log.
type Keyring struct {
	store *keystore.Store
	usage *usage.Recorder // nil: none is kept
	log   *slog.Logger
	who   Principal
	by    keystore.By
}

// Keyring is that of a caller. by's Actor and Address are the principal's.
func (s *Server) Keyring(who Principal, by keystore.By) *Keyring {
	by.Actor, by.Address, by.Scope, by.Permission = who.Actor, who.Address, who.Account+"/"+who.Workspace, who.permission()
	return &Keyring{store: s.opts.Store, usage: s.opts.Usage, log: s.log, who: who, by: by}
}

// Who is the caller.
func (k *Keyring) Who() Principal { return k.who }

// Now is the time by which keys expire.
func (k *Keyring) Now() time.Time { return k.store.Now() }

// Record reads a key that the caller may see. Any other is a
// *keystore.NotFoundError. Only the owner's question is worth a search through
// all records, should the index not know the id.
func (k *Keyring) Record(id string) (*keystore.Record, error) {
	get := k.store.GetIndexed
	if k.who.Role == RoleOwner {
		get = k.store.Get
	}
	r, err := get(id)
	switch {
	case k.who.Role == RoleOwner || err == nil && k.who.Sees(r):
		return r, err
	case err == nil || errors.Is(err, keystore.ErrCorruptRecord): // a damaged one may be anybody's
		err = &keystore.NotFoundError{ID: id}
	}
	return nil, err
}

// Show is a record as the API and the console show it.
func (k *Keyring) Show(r *keystore.Record) Key {
	key := NewKey(r, k.store.Now())
	if k.usage != nil {
		key.LastUsedAt = Time{k.usage.LastUsed(r.ID)}
	}
	return key
}

// Get shows a key.
func (k *Keyring) Get(id string) (Key, error) {
	r, err := k.Record(id)
	if err != nil {
		return Key{}, err
	}
	return k.Show(r), nil
}

// Made counts the living keys that a key made, and those that they made.
func (k *Keyring) Made(id string) (int, error) {
	if _, err := k.Record(id); err != nil {
		return 0, err
	}
	return k.store.Made(id)
}

var errManagesNone = newFailure(http.StatusForbidden, "this key manages no keys")

// bound adds the principal's bounds to a filter. What lies outside them is as if
// it were not there: where the filter asks for that alone, any is false, and
// nobody shall look, since that would take longer the more there is.
func (k *Keyring) bound(f keystore.Filter) (bounded keystore.Filter, any bool, err error) {
	if !k.who.Manages() {
		return f, false, errManagesNone
	}
	f.Account, f.Workspace = k.who.within(f.Account, f.Workspace)
	wanted, sees := f.Match, k.who.Sees
	f.Match = func(r *keystore.Record) bool { return sees(r) && (wanted == nil || wanted(r)) }
	return f, k.who.covers(f.Account, f.Workspace), nil
}

// checkCursor refuses a cursor that is no key of the caller's: the store would
// look for its place among all keys, and take longer for one than for another.
func (k *Keyring) checkCursor(cursor string) error {
	if cursor == "" || k.who.Role == RoleOwner {
		return nil
	}
	_, err := k.Record(cursor)
	if statusOf(err) == http.StatusNotFound {
		return &keystore.InvalidError{Field: "cursor", Problem: "is not one that a list returned"}
	}
	return err
}

// List returns a page of keys: see keystore.Store.List.
func (k *Keyring) List(f keystore.Filter, after string, limit int) (keys []Key, next string, err error) {
	f, any, err := k.bound(f)
	if err != nil {
		return nil, "", err
	}
	if err := k.checkCursor(after); err != nil || !any {
		return []Key{}, "", err
	}
	records, next, err := k.store.List(f, after, limit)
	if err != nil {
		return nil, "", err
	}
	keys = make([]Key, len(records))
	for i, r := range records {
		keys[i] = k.Show(r)
	}
	return keys, next, nil
}

// Usage tells what uses a key.
func (k *Keyring) Usage(id string) (usage.Usage, error) {
	if _, err := k.Record(id); err != nil {
		return usage.Usage{}, err
	}
	if k.usage == nil {
		return usage.Usage{}, newFailure(http.StatusServiceUnavailable, "this server keeps no usage")
	}
	return k.usage.Of(id)
}

// Unused narrows a filter to keys that have not ended and were neither made nor
// used for so long. It refuses to guess about a time when usage was not recorded
// yet.
func (k *Keyring) Unused(f keystore.Filter, since time.Duration) (keystore.Filter, error) {
	if k.usage == nil {
		return f, newFailure(http.StatusServiceUnavailable, "this server keeps no usage")
	}
	now := k.store.Now()
	cut := now.Add(-since)
	if begun := k.usage.Begun(); begun.After(cut) {
		return f, newFailure(http.StatusConflict, fmt.Sprintf("usage is recorded since %s only, so nobody knows what was unused for %s; ask for less than that",
			begun.UTC().Format(time.RFC3339), roughly(since)))
	}
	wanted := f.Match
	f.Match = func(r *keystore.Record) bool {
		if r.Ended(now) || !r.ArrivedAt().Before(cut) || !r.CreatedAt.Before(cut) || wanted != nil && !wanted(r) {
			return false
		}
		used, err := k.usage.Seen(r.ID)
		return err == nil && used.Before(cut) // what is not known is not called unused
	}
	return f, nil
}

// roughly says a duration in its largest whole unit.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// Find shows the key with this text. Any that the caller may not see is
// keystore.ErrUnknownKey.
func (k *Keyring) Find(text string) (Key, error) {
	r, err := k.store.Lookup(text)
	switch {
	case err == nil && k.who.Sees(r):
		return k.Show(r), nil
	case err == nil || k.who.Role != RoleOwner && errors.Is(err, keystore.ErrCorruptRecord):
		err = keystore.ErrUnknownKey
	}
	return Key{}, err
}
