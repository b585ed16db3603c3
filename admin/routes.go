package admin

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/antinium/keygate/keystore"
)

// routes are all endpoints there are, and who may call each.
func (s *Server) routes() {
	s.keyRoutes()
	s.importRoutes()
	s.auditRoutes()
	read(s, endpoint{id: "whoami", method: http.MethodGet, path: "/v1/whoami", access: anyKey,
		summary: "Tell who calls, and what that may do"}, s.whoami)
	change(s, endpoint{id: "revoke-self", method: http.MethodPost, path: "/v1/self/revoke", access: anyKey, refuses: conflict,
		summary: "Revoke the key that is presented, for good"}, s.revokeSelf)
	read(s, endpoint{id: "console-link", method: http.MethodPost, path: "/v1/console-links", access: operators, created: true,
		summary: "Make a link that signs in to the console once, within 5 minutes"}, s.consoleLink)
	read(s, endpoint{id: "explain", method: http.MethodPost, path: "/v1/explain", access: wide,
		summary: "Tell how a request is decided"}, s.explain)
	read(s, endpoint{id: "reload", method: http.MethodPost, path: "/v1/reload", access: wide, refuses: conflict,
		summary: "Read the configuration again"}, s.reload)
	read(s, endpoint{id: "health", method: http.MethodGet, path: "/v1/health", access: anyone,
		summary: "Tell whether the server answers, or is ready"}, s.health)
}

// keyRoutes are about keys.
func (s *Server) keyRoutes() {
	const keys, key = "/v1/keys", "/v1/keys/{id}"
	change(s, endpoint{id: "create", method: http.MethodPost, path: keys, access: managers, created: true, refuses: conflict,
		summary: "Create a key; its text is shown this once"}, s.create)
	read(s, endpoint{id: "list", method: http.MethodGet, path: keys, access: managers, refuses: conflict,
		summary: "List keys by creation"}, s.list)
	read(s, endpoint{id: "find", method: http.MethodPost, path: keys + "/find", access: managers, refuses: []int{http.StatusNotFound},
		summary: "Find a key by its text"}, s.find)
	change(s, endpoint{id: "revoke-all", method: http.MethodPost, path: keys + "/revoke", access: managers,
		summary: "Revoke all keys of an account, of a workspace, or made before a time"}, s.revokeAll)
	read(s, endpoint{id: "get", method: http.MethodGet, path: key, access: managers,
		summary: "Show a key"}, s.get)
	change(s, endpoint{id: "update", method: http.MethodPatch, path: key, access: managers, refuses: []int{http.StatusConflict, http.StatusPreconditionFailed},
		summary: "Change name, expiry, labels or permission of a key, or disable and enable it"}, s.update)
	change(s, endpoint{id: "revoke", method: http.MethodPost, path: key + "/revoke", access: managers,
		summary: "Revoke a key, for good, and if asked all that it made"}, s.revoke)
	change(s, endpoint{id: "rotate", method: http.MethodPost, path: key + "/rotate", access: managers, refuses: conflict,
		summary: "Replace a key; the new text is shown this once"}, s.rotate)
	read(s, endpoint{id: "usage", method: http.MethodGet, path: key + "/usage", access: managers,
		summary: "Tell what uses a key, by hour and by day"}, s.usage)
}

type whoamiInput struct{}

func (s *Server) whoami(ctx context.Context, _ *whoamiInput) (Whoami, error) {
	who := callerOf(ctx).Principal
	told := Whoami{Role: who.Role, Actor: Text(who.Actor), Account: Text(who.Account), Workspace: Text(who.Workspace)}
	if who.KeyID == "" {
		return told, nil
	}
	r, err := s.opts.Store.GetIndexed(who.KeyID)
	if err != nil {
		return Whoami{}, err
	}
	key := s.keyring(ctx).Show(r)
	told.Key = &key
	return told, nil
}

type revokeSelfInput struct{ Body *struct{} }

// revokeSelf needs no scope: whoever holds a key may end it.
func (s *Server) revokeSelf(ctx context.Context, _ *revokeSelfInput) (Key, error) {
	k := s.keyring(ctx)
	if k.who.KeyID == "" {
		return Key{}, newFailure(http.StatusConflict, "no key was presented: over the socket, name the key to revoke")
	}
	return k.revokeSelf(ctx)
}

func (k *Keyring) revokeSelf(ctx context.Context) (key Key, err error) {
	what := changed{keyID: k.who.KeyID}
	defer func() { k.logChange(ctx, "revoke", what, err) }()
	r, err := k.store.Revoke(k.who.KeyID, k.by)
	if err != nil {
		return Key{}, err
	}
	what.to = string(keystore.Revoked)
	return k.Show(r), nil
}

type consoleLinkInput struct{ Body *ConsoleLinkRequest }

func (s *Server) consoleLink(ctx context.Context, in *consoleLinkInput) (ConsoleLink, error) {
	if s.opts.ConsoleLink == nil {
		return ConsoleLink{}, newFailure(http.StatusServiceUnavailable, "this server has no console: set admin.listen")
	}
	if in.Body == nil {
		in.Body = &ConsoleLinkRequest{}
	}
	c := callerOf(ctx)
	narrowed, err := c.forLink(*in.Body)
	if err != nil {
		return ConsoleLink{}, err
	}
	link, err := s.opts.ConsoleLink(narrowed)
	if err == nil {
		s.log.LogAttrs(ctx, slog.LevelInfo, "console link made", append(asker(c.by),
			slog.String("account", narrowed.Account), slog.String("workspace", narrowed.Workspace))...)
	}
	return link, err
}

// forLink is whom a link signs in: the caller, within what was asked for.
func (p Principal) forLink(asked ConsoleLinkRequest) (Principal, error) {
	account, workspace := p.within(asked.Account, asked.Workspace)
	if account == "" && workspace != "" {
		return Principal{}, &keystore.InvalidError{Field: "account", Problem: "is required beside a workspace"}
	}
	if keystore.LooksLikeKey(account, "") || keystore.LooksLikeKey(workspace, "") {
		return Principal{}, &keystore.InvalidError{Field: "account", Problem: "holds the text of a key; treat that key as leaked and revoke it"}
	}
	narrowed, ok := p.Within(account, workspace)
	if !ok {
		return Principal{}, newFailure(http.StatusForbidden, "this key makes links into "+p.scopeText()+" only")
	}
	return narrowed, nil
}

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
	s.log.LogAttrs(ctx, slog.LevelInfo, "reload asked for", asker(callerOf(ctx).by)...)
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

// health says why the server is not ready to the owner alone: over TCP nobody was
// asked for a key.
func (s *Server) health(ctx context.Context, in *healthInput) (health, error) {
	if !in.Ready || s.opts.Ready == nil {
		return health{Status: "ok"}, nil
	}
	err := s.opts.Ready()
	switch {
	case err == nil:
		return health{Status: "ok"}, nil
	case callerOf(ctx).Role == RoleOwner:
		return health{}, newFailure(http.StatusServiceUnavailable, err.Error())
	}
	return health{}, newFailure(http.StatusServiceUnavailable, "not ready; the server's log, and its socket, say why")
}
