package admin

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/antinium/keygate/keystore"
)

// authorize settles who calls and whether that may make the call.
func (s *Server) authorize(r *http.Request, a access) (Principal, *failure) {
	if p := peerOf(r); p.owner {
		return ownerPrincipal(p.actor), nil
	}
	address := AddressOf(r)
	if a == anyone {
		return Principal{Address: address}, nil
	}
	who, f := s.present(bearer(r.Header), address)
	return settle(who, f, a)
}

// settle refuses whom f refuses, and who may not make the call.
func settle(who Principal, f *failure, a access) (Principal, *failure) {
	switch {
	case f != nil:
		return Principal{}, f
	case !a.admits(who):
		return Principal{}, newFailure(http.StatusForbidden, a.refusal())
	}
	return who, nil
}

// again refuses a key that has come to its end since it was presented, while the
// body was on its way: that can take half a minute.
func (s *Server) again(who Principal, a access) (Principal, *failure) {
	if who.KeyID == "" {
		return who, nil
	}
	who, f := s.recall(who.KeyID, who.Address)
	return settle(who, f, a)
}

// refusal says who may make the call.
func (a access) refusal() string {
	switch a {
	case managers:
		return "this key manages no keys: that takes a full key or an operator key"
	case operators:
		return "this takes an operator key"
	case wide:
		return "this takes an operator key of every account"
	}
	return "this takes the Unix socket"
}

// AddressOf is where a request came from, without the port.
func AddressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

const (
	unauthorizedMessage = "Invalid or missing API key"
	wantedKey           = `Bearer realm="keygate"` // WWW-Authenticate
)

// GetHeaders are what RFC 6750 section 3 and RFC 6585 section 4 want beside a
// refusal; huma asks for them, too.
func (f *failure) GetHeaders() http.Header {
	h := http.Header{}
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", wantedKey)
	case http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	return h
}

// bearer is the token of the one authorization field, or "" where there is none,
// another scheme or more than one.
func bearer(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// present finds out who presents a key. Unknown, ended and disabled keys are
// refused alike.
//
// Failed attempts from one address are limited. A text with the checksum of a
// key of ours is looked at all the same: nobody guesses 256 bits, and so an
// attacker cannot lock out whoever shares an address with him. Keys from
// elsewhere may be guessable, and wait.
func (s *Server) present(token, address string) (Principal, *failure) {
	if token == "" {
		return Principal{}, newFailure(http.StatusUnauthorized, unauthorizedMessage)
	}
	guess := keystore.CheckText(token, s.opts.Store.Prefixes()) != keystore.TextOK
	if wait := s.limits.wait(address); guess && wait > 0 {
		return Principal{}, tooMany(wait)
	}
	r, err := s.opts.Store.Lookup(token)
	switch {
	case err == nil && s.works(r):
		return s.principal(r, address), nil
	case err != nil && !isDenial(err):
		return Principal{}, s.cannotTell(err)
	}
	if wait := s.limits.fail(address); wait > 0 {
		return Principal{}, tooMany(wait)
	}
	s.log.LogAttrs(context.Background(), slog.LevelWarn, "admin API: a key was refused", slog.String("address", address), slog.String("key_id", idOf(r)))
	return Principal{}, newFailure(http.StatusUnauthorized, unauthorizedMessage)
}

// isDenial tells that a key is nobody's from an error that says nothing of it.
func isDenial(err error) bool {
	var missing *keystore.NotFoundError
	return errors.Is(err, keystore.ErrUnknownKey) || errors.Is(err, keystore.ErrCorruptRecord) || errors.As(err, &missing)
}

func (s *Server) cannotTell(err error) *failure {
	s.log.Error("admin API: a key could not be looked up", "error", err)
	return newFailure(http.StatusServiceUnavailable, "the key cannot be looked up just now")
}

// idOf is the id of a key that was found, or "".
func idOf(r *keystore.Record) string {
	if r == nil {
		return ""
	}
	return r.ID
}

func tooMany(wait time.Duration) *failure {
	f := newFailure(http.StatusTooManyRequests, "too many failed attempts from this address; wait a little")
	f.retryAfter = int(math.Ceil(wait.Seconds()))
	return f
}

func (s *Server) works(r *keystore.Record) bool {
	status := r.Status(s.opts.Store.Now())
	return status == keystore.Active || status == keystore.Retiring
}

func (s *Server) principal(r *keystore.Record, address string) Principal {
	return KeyPrincipal(r, address, s.opts.FullKeysManage == nil || s.opts.FullKeysManage())
}

// SignIn finds out who presents a key's text, as every call over TCP does. Its
// error is for people, and has a status for StatusOf.
func (s *Server) SignIn(text keystore.Secret, address string) (Principal, error) {
	who, f := s.present(text.Reveal(), address)
	if f != nil {
		return Principal{}, f
	}
	return who, nil
}

// Recall is the principal of a key that was presented before, if the key still
// works: the record is read anew. Its error is as that of SignIn.
func (s *Server) Recall(keyID, address string) (Principal, error) {
	who, f := s.recall(keyID, address)
	if f != nil {
		return Principal{}, f
	}
	return who, nil
}

func (s *Server) recall(keyID, address string) (Principal, *failure) {
	r, err := s.opts.Store.GetIndexed(keyID)
	switch {
	case err == nil && s.works(r):
		return s.principal(r, address), nil
	case err != nil && !isDenial(err):
		return Principal{}, s.cannotTell(err)
	}
	return Principal{}, newFailure(http.StatusUnauthorized, unauthorizedMessage)
}

// StatusOf is the HTTP status of an error of a Keyring or of SignIn.
func StatusOf(err error) int { return statusOf(err) }

// MessageOf is what a caller may be told of an error; uncertain says that a
// change may have been made.
func MessageOf(err error, uncertain bool) string {
	if uncertain {
		return failureOf(err, uncertainMessage).Error()
	}
	return failureOf(err, internalMessage).Error()
}
