package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/antinium/keygate/keystore"
)

// routes are all endpoints there are.
func (s *Server) routes() {
	change(s, endpoint{"create", http.MethodPost, "/v1/keys", "Create a key; its text is shown this once", true}, s.create)
	read(s, endpoint{"list", http.MethodGet, "/v1/keys", "List keys by creation", false}, s.list)
	read(s, endpoint{"find", http.MethodPost, "/v1/keys/find", "Find a key by its text", false}, s.find)
	read(s, endpoint{"get", http.MethodGet, "/v1/keys/{id}", "Show a key", false}, s.get)
	change(s, endpoint{"rename", http.MethodPatch, "/v1/keys/{id}", "Rename a key", false}, s.rename)
	change(s, endpoint{"revoke", http.MethodPost, "/v1/keys/{id}/revoke", "Revoke a key, for good", false}, s.revoke)
	change(s, endpoint{"rotate", http.MethodPost, "/v1/keys/{id}/rotate", "Replace a key; the new text is shown this once", false}, s.rotate)
	read(s, endpoint{"explain", http.MethodPost, "/v1/explain", "Tell how a request is decided", false}, s.explain)
	read(s, endpoint{"reload", http.MethodPost, "/v1/reload", "Read the configuration again", false}, s.reload)
	read(s, endpoint{"health", http.MethodGet, "/v1/health", "Tell whether the server answers, or is ready", false}, s.health)
}

type createInput struct{ Body CreateRequest }

func (s *Server) create(_ context.Context, in *createInput, by keystore.By) (shownKey, changed, error) {
	wanted, err := newKey(in.Body)
	if err != nil {
		return shownKey{}, changed{}, err
	}
	r, text, err := s.opts.Store.Create(wanted, by)
	if err != nil {
		return shownKey{}, changed{}, err
	}
	to := fmt.Sprintf("%q %s %s/%s", r.Name, r.Permission, r.Account, r.Workspace)
	return shownKey{s.show(r), text.Reveal()}, changed{keyID: r.ID, to: to}, nil
}

func newKey(c CreateRequest) (keystore.NewKey, error) {
	permission, err := keystore.ParsePermission(c.Permission)
	if err != nil {
		return keystore.NewKey{}, err
	}
	k := keystore.NewKey{Name: c.Name, Permission: permission, Account: c.Account, Workspace: c.Workspace}
	if c.Expires != nil {
		k.Expiry, err = keystore.ParseWhen(*c.Expires)
	}
	return k, err
}

type listInput struct {
	Account    string `query:"account"`
	Workspace  string `query:"workspace"`
	Status     string `query:"status" enum:"active,retiring,disabled,expired,revoked"`
	Permission string `query:"permission" enum:"read,write,full"`
	Cursor     string `query:"cursor" doc:"next of the page before"`
	Limit      int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (s *Server) list(_ context.Context, in *listInput) (keyPage, error) {
	filter := keystore.Filter{Account: in.Account, Workspace: in.Workspace, Status: keystore.Status(in.Status)}
	if in.Permission != "" {
		filter.Permission, _ = keystore.ParsePermission(in.Permission) // the enum holds it
	}
	records, next, err := s.opts.Store.List(filter, in.Cursor, in.Limit)
	if err != nil {
		return keyPage{}, err
	}
	page := keyPage{Keys: make([]Key, len(records))}
	for i, r := range records {
		page.Keys[i] = s.show(r)
	}
	if next != "" {
		page.Next = &next
	}
	return page, nil
}

type findInput struct{ Body findRequest }

func (s *Server) find(_ context.Context, in *findInput) (Key, error) {
	r, err := s.opts.Store.Lookup(in.Body.Key)
	if errors.Is(err, keystore.ErrUnknownKey) {
		return Key{}, newFailure(http.StatusNotFound, s.unknownText(in.Body.Key))
	}
	if err != nil {
		return Key{}, err
	}
	return s.show(r), nil
}

// unknownText says why nobody knows the text, without showing any of it.
func (s *Server) unknownText(text string) string {
	if p := keystore.CheckText(text, s.opts.Store.Prefixes()); p != keystore.TextOK {
		return "no key has this text: " + p.String()
	}
	return "no key has this text: it is well-formed, but was not made by this store"
}

type getInput struct {
	ID string `path:"id"`
}

func (s *Server) get(_ context.Context, in *getInput) (Key, error) {
	r, err := s.opts.Store.Get(in.ID)
	if err != nil {
		return Key{}, err
	}
	return s.show(r), nil
}

type renameInput struct {
	ID   string `path:"id"`
	Body RenameRequest
}

func (s *Server) rename(_ context.Context, in *renameInput, by keystore.By) (Key, changed, error) {
	what := changed{keyID: in.ID, from: s.before(in.ID).Name}
	r, err := s.opts.Store.Rename(in.ID, in.Body.Name, by)
	if err != nil {
		return Key{}, what, err
	}
	what.to = r.Name
	return s.show(r), what, nil
}

type revokeInput struct {
	ID   string `path:"id"`
	Body *struct{}
}

func (s *Server) revoke(_ context.Context, in *revokeInput, by keystore.By) (Key, changed, error) {
	what := changed{keyID: in.ID, from: string(s.before(in.ID).Status(s.opts.Store.Now()))}
	r, err := s.opts.Store.Revoke(in.ID, by)
	if err != nil {
		return Key{}, what, err
	}
	key := s.show(r)
	what.to = string(key.Status)
	return key, what, nil
}

type rotateInput struct {
	ID   string `path:"id"`
	Body *RotateRequest
}

func (s *Server) rotate(_ context.Context, in *rotateInput, by keystore.By) (rotatedKeys, changed, error) {
	what := changed{keyID: in.ID, from: in.ID}
	wanted, err := rotation(in.Body)
	if err != nil {
		return rotatedKeys{}, what, err
	}
	old, fresh, text, err := s.opts.Store.Rotate(in.ID, wanted, by)
	if err != nil {
		return rotatedKeys{}, what, err
	}
	what.to = fresh.ID
	return rotatedKeys{Old: s.show(old), New: shownKey{s.show(fresh), text.Reveal()}}, what, nil
}

func rotation(asked *RotateRequest) (keystore.Rotation, error) {
	var r keystore.Rotation
	if asked == nil {
		return r, nil
	}
	if asked.Overlap != nil {
		overlap, err := parseOverlap(*asked.Overlap)
		if err != nil {
			return r, err
		}
		r.Overlap = &overlap
	}
	if asked.Expires == nil {
		return r, nil
	}
	expiry, err := keystore.ParseWhen(*asked.Expires)
	r.Expiry = &expiry
	return r, err
}

// parseOverlap names the field as the caller knows it.
func parseOverlap(s string) (time.Duration, error) {
	d, err := keystore.ParseDuration(s)
	var invalid *keystore.InvalidError
	if errors.As(err, &invalid) {
		return 0, &keystore.InvalidError{Field: "overlap", Problem: invalid.Problem}
	}
	return d, err
}

// before is the record ahead of a change, for the log line only, or an empty
// one: the change itself says what is wrong with the id.
func (s *Server) before(id string) *keystore.Record {
	if r, err := s.opts.Store.Get(id); err == nil {
		return r
	}
	return &keystore.Record{}
}

func (s *Server) show(r *keystore.Record) Key { return NewKey(r, s.opts.Store.Now()) }

type explainInput struct{ Body explainRequest }

func (s *Server) explain(ctx context.Context, in *explainInput) (Explanation, error) {
	if s.opts.Explain == nil {
		return Explanation{}, newFailure(http.StatusServiceUnavailable, "this server cannot explain decisions")
	}
	asked := ExplainRequest{Method: in.Body.Method, Path: in.Body.Path}
	if in.Body.Key != nil {
		asked.Key = keystore.NewSecret(*in.Body.Key)
	}
	return s.opts.Explain(ctx, asked)
}

type reloadInput struct{ Body *struct{} }

// reload answers 409 with the error's own text: it is the list of problems in
// the file, and the operator who edited it is waiting for it.
func (s *Server) reload(ctx context.Context, _ *reloadInput) (Reloaded, error) {
	if s.opts.Reload == nil {
		return Reloaded{}, newFailure(http.StatusServiceUnavailable, "this server has no configuration file to read again")
	}
	by := callerOf(ctx)
	s.log.LogAttrs(ctx, slog.LevelInfo, "reload asked for", slog.String("actor", by.Actor),
		slog.String("claimed", loggable(by.Claimed, keystore.MaxWho)), slog.String("request_id", loggable(by.RequestID, keystore.MaxWho)))
	done, err := s.opts.Reload(ctx)
	if err != nil {
		return Reloaded{}, newFailure(http.StatusConflict, err.Error())
	}
	return done.withoutNulls(), nil
}

// withoutNulls makes empty lists of nil ones, for callers who loop.
func (r Reloaded) withoutNulls() Reloaded {
	r.Warnings = append([]string{}, r.Warnings...)
	r.NeedsRestart = append([]string{}, r.NeedsRestart...)
	return r
}

type healthInput struct {
	Ready bool `query:"ready" doc:"Ask whether checks can be answered, as /readyz does"`
}

func (s *Server) health(_ context.Context, in *healthInput) (health, error) {
	if in.Ready && s.opts.Ready != nil {
		if err := s.opts.Ready(); err != nil {
			return health{}, newFailure(http.StatusServiceUnavailable, err.Error())
		}
	}
	return health{Status: "ok"}, nil
}
