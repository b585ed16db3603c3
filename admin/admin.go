// Package admin is the operator's door: an HTTP API over which keys are
// created, listed, renamed, rotated and revoked in a running server, and the
// [Client] that the command line uses.
//
// Whoever can open the Unix socket may do everything, so its mode is 0600
// ([Listen]) and the kernel's word for who connected, "uid:1000", is the actor
// in the audit record. What callers say about themselves and why (the headers
// X-Keygate-Actor, X-Keygate-Reason, X-Request-Id) is kept beside it as claimed.
//
// Every answer is JSON in one envelope and is never cached:
//
//	{"success":true,"data":...}
//	{"success":false,"error":{"code":"NOT_FOUND","message":"..."}}
//
// A request passes, in this order: front.go (limits, routes, panics), authorize.go
// (who calls, and whether that may), huma (shape of query and body), adapter.go
// (error to status), the call itself in routes.go and the files of calls, and a
// [Keyring], which alone decides which keys the caller may see.
//
// What a caller may rely on:
//
//   - A key's text leaves in the answer to create and to rotate and nowhere else:
//     in no log line, no error and no later answer.
//   - Every change of a key, and every one that the store refused, writes one log line.
//   - An answer that says a change was refused means that nothing was changed.
//   - Input never causes a 500; a panic is answered, and the server lives on.
package admin

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/unixsocket"
	"github.com/antinium/keygate/usage"
)

// Options are the parts that a Server is made of.
type Options struct {
	// Store is required. The caller closes it after Serve has returned.
	Store *keystore.Store

	// Explain decides a request and tells why, without a trace in the metrics.
	// An error means that it could not decide. nil answers 503.
	Explain func(context.Context, ExplainRequest) (Explanation, error)

	// Reload reads the configuration again. The text of its error is shown to
	// the caller, so it must hold no secret. nil answers 503.
	Reload func(context.Context) (Reloaded, error)

	// Ready returns nil if checks can be answered. The text of its error is
	// shown to the caller. nil means always ready.
	Ready func() error

	// Usage tells what uses a key. nil: none is kept.
	Usage *usage.Recorder

	// FullKeysManage reports whether a full key may manage the keys of its
	// workspace over TCP. nil: it may.
	FullKeysManage func() bool

	// ConsoleLink makes a link that signs in to the console once, for what the
	// principal may see. nil answers 503.
	ConsoleLink func(Principal) (ConsoleLink, error)

	// Log takes one line per change of a key, and what went wrong. nil is
	// slog.Default().
	Log *slog.Logger
}

// Server answers the admin API. Make one with New; it is safe for concurrent
// use and holds nothing that must be closed.
type Server struct {
	opts  Options
	log   *slog.Logger
	mux   *http.ServeMux
	api   huma.API
	drain time.Duration

	rules   map[string]rule // of each route, by its pattern in mux
	limits  *attempts
	console http.Handler // what the TCP listener serves beside the API; may be nil
}

// New makes a Server. It does not listen yet: call Serve.
func New(opts Options) *Server {
	s := &Server{opts: opts, log: opts.Log, mux: http.NewServeMux(), drain: drainTimeout, rules: map[string]rule{}, limits: newAttempts(time.Now)}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.api = newAPI(s.mux)
	s.routes()
	s.describe()
	return s
}

// SetConsole adds the console to what the TCP listener serves. It must be called
// before Serve; the console is made from the server, so it cannot be an option.
func (s *Server) SetConsole(pages http.Handler) { s.console = pages }

// Listen opens the admin socket at path: only its owner may connect, a stale
// socket is replaced, a live one is an error (see package unixsocket). Closing
// the listener, which Serve does, removes the file.
func Listen(path string) (net.Listener, error) {
	return unixsocket.Listen(path, 0o600)
}
