package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/antinium/keygate/keystore"
)

// Create makes a key. A principal that is bound to an account or a workspace
// makes keys there alone, and need not name it. A *keystore.ExistsError is a key
// that the caller may see.
func (k *Keyring) Create(ctx context.Context, n keystore.NewKey) (r *keystore.Record, text keystore.Secret, err error) {
	what := changed{}
	var exists *keystore.ExistsError
	defer func() {
		if !errors.As(err, &exists) { // nothing was changed, and nothing refused
			k.logChange(ctx, "create", what, err)
		}
	}()
	if n, err = k.place(n); err != nil {
		return nil, keystore.Secret{}, err
	}
	r, text, err = k.store.Create(n, k.by)
	if errors.As(err, &exists) && !k.who.Sees(exists.Record) {
		err = newFailure(http.StatusConflict, "if_absent: this label id is taken; use another")
	}
	if err != nil {
		return nil, keystore.Secret{}, err
	}
	what.keyID, what.to = r.ID, fmt.Sprintf("%q %s %s/%s", r.Name, r.Permission, r.Account, r.Workspace)
	return r, text, nil
}

// place puts a new key into the principal's scope.
func (k *Keyring) place(n keystore.NewKey) (keystore.NewKey, error) {
	if k.who.Role == RoleOwner {
		return n, nil
	}
	if !k.who.Manages() {
		return n, errManagesNone
	}
	if n.Permission == keystore.Operator {
		return n, newFailure(http.StatusForbidden, "operator keys are made over the Unix socket only: keygate keys create --operator")
	}
	n.Account, n.Workspace = k.who.within(n.Account, n.Workspace)
	if !k.who.covers(orDefault(n.Account), orDefault(n.Workspace)) {
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
	defer func() { k.logChange(ctx, actionOf(c), what, err) }()
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

// actionOf names a change by the one field that it is about, as the audit does.
func actionOf(c keystore.Change) string {
	var actions []string
	for action, asked := range map[string]bool{
		"rename": c.Name != nil, "set-expiry": c.Expiry != nil, "lower": c.Permission != nil, "label": len(c.Labels) > 0,
		"enable": c.Enabled != nil && *c.Enabled, "disable": c.Enabled != nil && !*c.Enabled,
	} {
		if asked {
			actions = append(actions, action)
		}
	}
	if len(actions) == 1 {
		return actions[0]
	}
	return "update"
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
		what.to += ", and " + plural(others, "key") + " that it made"
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
			k.logChange(ctx, "revoke-all", changed{from: describeFilter(f), to: plural(count, "key") + " revoked"}, err)
		}()
	}
	if f.Account == "" && f.Workspace == "" && f.CreatedBefore.IsZero() {
		// The store would refuse it, but for the bounds that are put to it.
		return 0, &keystore.InvalidError{Field: "account", Problem: "give an account, a workspace or created_before: all keys at once cannot be meant"}
	}
	f, any, err := k.bound(f)
	if err != nil || !any {
		return 0, err
	}
	return k.store.RevokeAll(f, dryRun, k.by)
}

// describeFilter is for the log. The store has not judged what is in it.
func describeFilter(f keystore.Filter) string {
	text := "account " + orAny(loggable(f.Account, keystore.MaxScope)) + ", workspace " + orAny(loggable(f.Workspace, keystore.MaxScope))
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
