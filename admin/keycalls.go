package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/antinium/keygate/keystore"
)

type createInput struct {
	Once string `header:"Idempotency-Key" doc:"Names this call: a repeat within 24 h makes no second key, but is a 409 with the id of the first"`
	Body CreateRequest
}

// createdKey answers 200 where a key was there already.
type createdKey struct {
	shownKey
	revision string
	found    bool
}

func (c createdKey) tag() (etag string, status int) {
	if c.found {
		return quoteTag(c.revision), http.StatusOK
	}
	return quoteTag(c.revision), 0
}

func (s *Server) create(ctx context.Context, in *createInput) (createdKey, error) {
	wanted, err := newKey(in.Body)
	if err != nil {
		return createdKey{}, err
	}
	wanted.Once = in.Once
	k := s.keyring(ctx)
	r, text, err := k.Create(ctx, wanted)
	var exists *keystore.ExistsError
	if errors.As(err, &exists) {
		return createdKey{shownKey{Key: k.Show(exists.Record)}, exists.Record.Revision(), true}, nil
	}
	if err != nil {
		return createdKey{}, err
	}
	return createdKey{shownKey{k.Show(r), Text(text.Reveal())}, r.Revision(), false}, nil
}

func newKey(c CreateRequest) (keystore.NewKey, error) {
	permission, err := keystore.ParsePermission(c.Permission)
	if err != nil {
		return keystore.NewKey{}, err
	}
	k := keystore.NewKey{
		Name: c.Name, Permission: permission, Account: c.Account, Workspace: c.Workspace, Labels: c.Labels, IfAbsent: c.IfAbsent,
	}
	if c.Expires != nil {
		k.Expiry, err = keystore.ParseWhen(*c.Expires)
	}
	return k, err
}

type listInput struct {
	Account    string `query:"account" doc:"Of this account"`
	Workspace  string `query:"workspace" doc:"Of this workspace"`
	Status     string `query:"status" enum:"active,retiring,disabled,expired,revoked" doc:"In this state; in any if left out"`
	Permission string `query:"permission" enum:"read,write,full,operator" doc:"With exactly this one"`
	Label      string `query:"label" doc:"k=v, several separated by commas: keys that have all of them"`
	Name       string `query:"name" doc:"What the name begins with, in any case"`
	Last4      string `query:"last4" doc:"Last characters of the key's text"`
	Expiring   string `query:"expiring" doc:"A duration (7d): keys that still work and end within it"`
	Unused     string `query:"unused" doc:"A duration (90d): keys that have not ended, are older and were not used for so long"`
	Newest     bool   `query:"newest" doc:"The newest first"`
	Cursor     string `query:"cursor" doc:"next of the page before"`
	Limit      int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Most keys of a page"`
}

func (s *Server) list(ctx context.Context, in *listInput) (keyPage, error) {
	k := s.keyring(ctx)
	filter, err := in.filter(k)
	if err != nil {
		return keyPage{}, err
	}
	keys, next, err := k.List(filter, in.Cursor, in.Limit)
	if err != nil {
		return keyPage{}, err
	}
	return keyPage{keys, nextOf(next)}, nil
}

func (in *listInput) filter(k *Keyring) (f keystore.Filter, err error) {
	f = keystore.Filter{
		Account: in.Account, Workspace: in.Workspace, Status: keystore.Status(in.Status),
		NamePrefix: in.Name, Last4: in.Last4, Newest: in.Newest,
	}
	if in.Permission != "" {
		f.Permission, _ = keystore.ParsePermission(in.Permission) // the enum holds it
	}
	if f.Labels, err = ParseLabels(in.Label); err != nil {
		return f, err
	}
	if in.Expiring != "" {
		within, err := parseDuration("expiring", in.Expiring)
		if err != nil {
			return f, err
		}
		f.ExpiresBefore = k.Now().Add(within)
	}
	if in.Unused == "" {
		return f, nil
	}
	since, err := parseDuration("unused", in.Unused)
	if err != nil {
		return f, err
	}
	return k.Unused(f, since)
}

// ParseLabels reads "a=1,b=2". The error is a *keystore.InvalidError for the
// field "label".
func ParseLabels(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	labels := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		name, value, found := strings.Cut(pair, "=")
		if _, twice := labels[name]; !found || name == "" || twice {
			return nil, &keystore.InvalidError{Field: "label", Problem: `wants name=value, each name once, as in "env=prod,team=docs"`}
		}
		labels[name] = value
	}
	return labels, nil
}

// parseDuration names the field as the caller knows it.
func parseDuration(field, s string) (time.Duration, error) {
	d, err := keystore.ParseDuration(s)
	var invalid *keystore.InvalidError
	if errors.As(err, &invalid) {
		return 0, &keystore.InvalidError{Field: field, Problem: invalid.Problem}
	}
	return d, err
}

type findInput struct{ Body findRequest }

func (s *Server) find(ctx context.Context, in *findInput) (Key, error) {
	key, err := s.keyring(ctx).Find(in.Body.Key)
	if errors.Is(err, keystore.ErrUnknownKey) {
		return Key{}, newFailure(http.StatusNotFound, s.unknownText(in.Body.Key))
	}
	return key, err
}

// unknownText says why nobody knows the text, without showing any of it.
func (s *Server) unknownText(text string) string {
	if p := keystore.CheckText(text, s.opts.Store.Prefixes()); p != keystore.TextOK {
		return "no key has this text: " + p.String()
	}
	return "no key has this text: it is well-formed, but was not made by this store"
}

type idInput struct {
	ID string `path:"id" doc:"Of the key, or of the import"`
}

// taggedKey is a key with its revision.
type taggedKey struct {
	KeyDetail
	revision string
}

func (t taggedKey) tag() (etag string, status int) { return quoteTag(t.revision), 0 }

func quoteTag(revision string) string { return `"` + revision + `"` }

func (s *Server) get(ctx context.Context, in *idInput) (taggedKey, error) {
	k := s.keyring(ctx)
	r, err := k.Record(in.ID)
	if err != nil {
		return taggedKey{}, err
	}
	return k.detail(r)
}

func (k *Keyring) detail(r *keystore.Record) (taggedKey, error) {
	made, err := k.store.Made(r.ID)
	return taggedKey{KeyDetail{k.Show(r), made}, r.Revision()}, err
}

type updateInput struct {
	ID      string `path:"id" doc:"Of the key"`
	IfMatch string `header:"If-Match" doc:"The ETag of the key as the caller knows it: 412 if it is another now"`
	Body    UpdateRequest
}

func (s *Server) update(ctx context.Context, in *updateInput) (taggedKey, error) {
	c, err := in.Body.change()
	if err != nil {
		return taggedKey{}, err
	}
	if c.IfRevision, err = revisionOf(in.IfMatch); err != nil {
		return taggedKey{}, err
	}
	k := s.keyring(ctx)
	r, err := k.Update(ctx, in.ID, c)
	if err != nil {
		return taggedKey{}, err
	}
	return k.detail(r)
}

func (u UpdateRequest) change() (c keystore.Change, err error) {
	c = keystore.Change{Name: u.Name, Enabled: u.Enabled, Labels: u.Labels}
	if u.Name == nil && u.Enabled == nil && u.Expires == nil && u.Permission == nil && len(u.Labels) == 0 {
		return c, newFailure(http.StatusBadRequest, "body: names nothing to change: name, expires, enabled, permission or labels")
	}
	if u.Expires != nil {
		expiry, err := keystore.ParseWhen(*u.Expires)
		if err != nil {
			return c, err
		}
		c.Expiry = &expiry
	}
	if u.Permission != nil {
		permission, err := keystore.ParsePermission(*u.Permission)
		if err != nil {
			return c, err
		}
		c.Permission = &permission
	}
	return c, nil
}

// revisionOf reads an If-Match of one strong tag, or * (RFC 9110 section 13.1.1).
func revisionOf(ifMatch string) (string, error) {
	if ifMatch == "" || ifMatch == "*" {
		return "", nil
	}
	revision := strings.Trim(ifMatch, `"`)
	if quoteTag(revision) != ifMatch || revision == "" || strings.Contains(revision, `"`) {
		return "", &keystore.InvalidError{Field: "If-Match", Problem: `must be one ETag, as in "0123456789abcdef", or *`}
	}
	return revision, nil
}

type revokeInput struct {
	ID   string `path:"id" doc:"Of the key"`
	Body *revokeRequest
}

func (s *Server) revoke(ctx context.Context, in *revokeInput) (Revocation, error) {
	k := s.keyring(ctx)
	r, others, err := k.Revoke(ctx, in.ID, in.Body != nil && in.Body.Descendants)
	if err != nil {
		return Revocation{}, err
	}
	living, err := k.store.Made(r.ID)
	return Revocation{Key: k.Show(r), Descendants: others, Living: living}, err
}

type revokeAllInput struct{ Body RevokeAllRequest }

func (s *Server) revokeAll(ctx context.Context, in *revokeAllInput) (RevokedAll, error) {
	f := keystore.Filter{Account: in.Body.Account, Workspace: in.Body.Workspace, CreatedBefore: in.Body.CreatedBefore.Time}
	count, err := s.keyring(ctx).RevokeAll(ctx, f, in.Body.DryRun)
	return RevokedAll{Count: count, DryRun: in.Body.DryRun}, err
}

type rotateInput struct {
	ID   string `path:"id" doc:"Of the key"`
	Once string `header:"Idempotency-Key" doc:"As in create"`
	Body *RotateRequest
}

func (s *Server) rotate(ctx context.Context, in *rotateInput) (rotatedKeys, error) {
	wanted, err := rotation(in.Body)
	if err != nil {
		return rotatedKeys{}, err
	}
	wanted.Once = in.Once
	k := s.keyring(ctx)
	old, fresh, text, err := k.Rotate(ctx, in.ID, wanted)
	if err != nil {
		return rotatedKeys{}, err
	}
	return rotatedKeys{Old: k.Show(old), New: shownKey{k.Show(fresh), Text(text.Reveal())}}, nil
}

func rotation(asked *RotateRequest) (r keystore.Rotation, err error) {
	if asked == nil {
		return r, nil
	}
	if asked.Overlap != nil {
		overlap, err := parseDuration("overlap", *asked.Overlap)
		if err != nil {
			return r, err
		}
		r.Overlap = &overlap
	}
	if asked.RetireWhenUnused != nil {
		if r.RetireUnused, err = parseDuration("retire_when_unused", *asked.RetireWhenUnused); err != nil {
			return r, err
		}
	}
	if asked.Expires == nil {
		return r, nil
	}
	expiry, err := keystore.ParseWhen(*asked.Expires)
	r.Expiry = &expiry
	return r, err
}
