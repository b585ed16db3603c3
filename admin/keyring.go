package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
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
	by.Actor, by.Address = who.Actor, who.Address
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
	if err != nil && k.who.Role != RoleOwner && statusOf(err) != http.StatusInternalServerError {
		return nil, &keystore.NotFoundError{ID: id} // a damaged record may be anybody's
	}
	if err != nil {
		return nil, err
	}
	if !k.who.Sees(r) {
		return nil, &keystore.NotFoundError{ID: id}
	}
	return r, nil
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

// Create makes a key. A principal that is bound to an account or a workspace
// makes keys there alone, and need not name it.
func (k *Keyring) Create(ctx context.Context, n keystore.NewKey) (r *keystore.Record, text keystore.Secret, err error) {
	to := ""
	defer func() { k.logChange(ctx, "create", changed{keyID: idOf(r), to: to}, err) }()
	if n, err = k.place(n); err != nil {
		return nil, keystore.Secret{}, err
	}
	if r, text, err = k.store.Create(n, k.by); err != nil {
		return nil, keystore.Secret{}, err
	}
	to = fmt.Sprintf("%q %s %s/%s", r.Name, r.Permission, r.Account, r.Workspace)
	return r, text, nil
}

func idOf(r *keystore.Record) string {
	if r == nil {
		return ""
	}
	return r.ID
}

// place puts a new key into the principal's scope.
func (k *Keyring) place(n keystore.NewKey) (keystore.NewKey, error) {
	if k.who.Role == RoleOwner && k.who.Account == "" {
		return n, nil
	}
	if n.Permission == keystore.Operator {
		return n, newFailure(http.StatusForbidden, "operator keys are made over the Unix socket only: keygate keys create --operator")
	}
	if n.Account == "" {
		n.Account = k.who.Account
	}
	if n.Workspace == "" {
		n.Workspace = k.who.Workspace
	}
	account, workspace := orDefault(n.Account), orDefault(n.Workspace)
	if !k.who.covers(account, workspace) {
		return n, newFailure(http.StatusForbidden, "this key makes keys in "+k.who.scopeText()+" only")
	}
	return n, nil
}

func orDefault(s string) string {
	if s == "" {
		return "default"
	}
	return s
}

// scopeText is what bounds the principal, in words.
func (p Principal) scopeText() string {
	switch {
	case p.Account == "":
		return "every account"
	case p.Workspace == "":
		return "account " + p.Account
	}
	return "workspace " + p.Account + "/" + p.Workspace
}

// Update changes a key.
func (k *Keyring) Update(ctx context.Context, id string, c keystore.Change) (r *keystore.Record, err error) {
	what := changed{keyID: id}
	defer func() { k.logChange(ctx, "update", what, err) }()
	before, err := k.Record(id)
	if err != nil {
		return nil, err
	}
	if r, err = k.store.Update(id, c, k.by); err != nil {
		return nil, err
	}
	what.from, what.to = states(before, r, k.store.Now())
	return r, nil
}

// states tells what differs between two states of a key, for the log.
func states(before, after *keystore.Record, now time.Time) (from, to string) {
	var was, is []string
	note := func(old, fresh string) {
		if old != fresh {
			was, is = append(was, old), append(is, fresh)
		}
	}
	note(before.Name, after.Name)
	note(before.Permission.String(), after.Permission.String())
	note(string(before.Status(now)), string(after.Status(now)))
	note("expires "+expiryText(before), "expires "+expiryText(after))
	note(fmt.Sprint(before.Labels), fmt.Sprint(after.Labels))
	return strings.Join(was, ", "), strings.Join(is, ", ")
}

func expiryText(r *keystore.Record) string {
	if r.ExpiresAt.IsZero() {
		return "never"
	}
	return r.ExpiresAt.UTC().Format(time.RFC3339)
}

// Revoke ends a key for good, and with descendants every key that it made.
// others are those that ended beside it.
func (k *Keyring) Revoke(ctx context.Context, id string, descendants bool) (r *keystore.Record, others int, err error) {
	what := changed{keyID: id}
	defer func() { k.logChange(ctx, "revoke", what, err) }()
	before, err := k.Record(id)
	if err != nil {
		return nil, 0, err
	}
	what.from = string(before.Status(k.store.Now()))
	if r, others, err = k.revoke(id, descendants); err != nil {
		return nil, 0, err
	}
	what.to = string(r.Status(k.store.Now()))
	if others > 0 {
		what.to += fmt.Sprintf(", and %d keys that it made", others)
	}
	return r, others, nil
}

func (k *Keyring) revoke(id string, descendants bool) (*keystore.Record, int, error) {
	if !descendants {
		r, err := k.store.Revoke(id, k.by)
		return r, 0, err
	}
	revoked, err := k.store.RevokeDescendants(id, k.by)
	if err != nil {
		return nil, 0, err
	}
	return revoked[0], len(revoked) - 1, nil
}

// RevokeAll ends every key of an account, of a workspace, or made before a
// time, as far as the caller may. A dry run counts.
func (k *Keyring) RevokeAll(ctx context.Context, f keystore.Filter, dryRun bool) (count int, err error) {
	if !dryRun {
		defer func() {
			k.logChange(ctx, "revoke-all", changed{from: describeFilter(f), to: fmt.Sprintf("%d revoked", count)}, err)
		}()
	}
	if f, err = k.bound(f); err != nil {
		return 0, err
	}
	return k.store.RevokeAll(f, dryRun, k.by)
}

func describeFilter(f keystore.Filter) string {
	text := "account " + orAny(f.Account) + ", workspace " + orAny(f.Workspace)
	if !f.CreatedBefore.IsZero() {
		text += ", created before " + f.CreatedBefore.UTC().Format(time.RFC3339)
	}
	return text
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

// bound adds the principal's bounds to a filter. What lies outside them is as if
// it were not there.
func (k *Keyring) bound(f keystore.Filter) (keystore.Filter, error) {
	if !k.who.Manages() {
		return f, newFailure(http.StatusForbidden, "this key manages no keys")
	}
	wanted, sees := f.Match, k.who.Sees
	f.Match = func(r *keystore.Record) bool { return sees(r) && (wanted == nil || wanted(r)) }
	if f.Account == "" {
		f.Account = k.who.Account
	}
	if f.Workspace == "" {
		f.Workspace = k.who.Workspace
	}
	return f, nil
}

// List returns a page of keys: see keystore.Store.List.
func (k *Keyring) List(f keystore.Filter, after string, limit int) (keys []Key, next string, err error) {
	if f, err = k.bound(f); err != nil {
		return nil, "", err
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

// Rotate makes a new key for an old one.
func (k *Keyring) Rotate(ctx context.Context, id string, r keystore.Rotation) (old, fresh *keystore.Record, text keystore.Secret, err error) {
	what := changed{keyID: id, from: id}
	defer func() { k.logChange(ctx, "rotate", what, err) }()
	if _, err = k.Record(id); err != nil {
		return nil, nil, keystore.Secret{}, err
	}
	if old, fresh, text, err = k.store.Rotate(id, r, k.by); err != nil {
		return nil, nil, keystore.Secret{}, err
	}
	what.to = fresh.ID
	return old, fresh, text, nil
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
		return f, newFailure(http.StatusConflict, fmt.Sprintf("usage is recorded since %s only, so nobody knows what was unused for %s; ask for less than %s",
			begun.UTC().Format(time.RFC3339), roughly(since), roughly(now.Sub(begun))))
	}
	wanted, used := f.Match, k.usage.LastUsed
	f.Match = func(r *keystore.Record) bool {
		return !r.Ended(now) && r.CreatedAt.Before(cut) && used(r.ID).Before(cut) && (wanted == nil || wanted(r))
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

// Find shows the key with this text.
func (k *Keyring) Find(text string) (Key, error) {
	r, err := k.store.Lookup(text)
	if err == nil && !k.who.Sees(r) {
		err = keystore.ErrUnknownKey
	}
	if err != nil {
		return Key{}, err
	}
	return k.Show(r), nil
}
