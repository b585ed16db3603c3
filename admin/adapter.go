package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// endpoint is what is said about a call beside the call itself.
type endpoint struct {
	id      string // of the operation in OpenAPI
	method  string
	path    string
	summary string
	access  access
	takes   *body // nil is jsonBody
	created bool  // answers 201 instead of 200
	changes bool  // what is stored
	refuses []int // statuses beside those that every call of its kind can have
}

// conflict is what a call can be refused with that a state does not allow.
var conflict = []int{http.StatusConflict}

// answer is an envelope as huma wants it.
type answer[T any] struct {
	Status int
	ETag   string `header:"ETag" doc:"The revision of the key, for If-Match"`
	Body   success[T]
}

// tagged is data with the revision of the key that it shows, or a status other
// than the usual one.
type tagged interface {
	tag() (etag string, status int)
}

// read registers a call that changes nothing.
func read[I, O any](s *Server, e endpoint, call func(context.Context, *I) (O, error)) {
	register(s, e, internalMessage, call)
}

// change registers a call that changes a key. What is not a refusal may have
// happened half way, so the answer tells the caller to look.
func change[I, O any](s *Server, e endpoint, call func(context.Context, *I) (O, error)) {
	e.changes = true
	register(s, e, uncertainMessage, call)
}

// register is the one adapter: it puts answer or error into the envelope.
// internal is the message of an error that was not made for callers.
func register[I, O any](s *Server, e endpoint, internal string, call func(context.Context, *I) (O, error)) {
	if e.takes == nil {
		e.takes = &jsonBody
	}
	op := e.operation()
	s.rules[e.method+" "+e.path] = rule{e.access, *e.takes}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := call(ctx, in)
		if err != nil {
			s.logFailure(ctx, e.id, err)
			return nil, failureOf(err, internal)
		}
		a := &answer[O]{Status: op.DefaultStatus, Body: success[O]{Success: true, Data: out}}
		if t, ok := any(out).(tagged); ok {
			etag, status := t.tag()
			if a.ETag = etag; status != 0 {
				a.Status = status
			}
		}
		return a, nil
	})
}

// logFailure keeps the cause of what the caller is not told.
func (s *Server) logFailure(ctx context.Context, call string, err error) {
	if statusOf(err) == http.StatusInternalServerError {
		s.log.LogAttrs(ctx, slog.LevelError, "admin call failed", slog.String("call", call),
			slog.String("request_id", loggable(callerOf(ctx).by.RequestID, keystore.MaxWho)), slog.Any("error", err))
	}
}

func (e endpoint) operation() huma.Operation {
	op := huma.Operation{
		OperationID: e.id, Method: e.method, Path: e.path, Summary: e.summary,
		MaxBodyBytes:    e.takes.limit + 1, // readBody holds the limit; huma counts one byte short
		BodyReadTimeout: -1,                // the body is here already
		DefaultStatus:   http.StatusOK,
		Errors:          e.statuses(),
		Metadata:        map[string]any{metadataAccess: e.access},
	}
	if e.created {
		op.DefaultStatus = http.StatusCreated
	}
	if e.access != anyone {
		op.Security = []map[string][]string{{securityScheme: {}}}
	}
	return op
}

// statuses are the refusals that a call can answer with.
func (e endpoint) statuses() []int {
	all := append([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusInternalServerError, http.StatusServiceUnavailable}, e.refuses...)
	if e.access != anyone {
		all = append(all, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if e.access != anyone && e.access != anyKey {
		all = append(all, http.StatusForbidden)
	}
	if strings.Contains(e.path, "{id}") {
		all = append(all, http.StatusNotFound)
	}
	if e.changes {
		all = append(all, http.StatusInsufficientStorage)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const (
	internalMessage  = "something went wrong on the server; its log says what"
	uncertainMessage = internalMessage + ". The change may have been made: look with `keygate keys list`"
	corruptMessage   = "the stored record of this key is damaged, and the key is denied; replace it by a new one"
	fullMessage      = "the disk is full; nothing was changed; checks go on"
)

// failureOf is the answer to an error. Only errors that are made for callers
// are shown; of all others the log keeps the cause.
func failureOf(err error, internal string) *failure {
	var own *failure
	status := statusOf(err)
	switch {
	case errors.As(err, &own):
		return own
	case status == http.StatusUnauthorized: // the key ended while it was used
		return newFailure(status, unauthorizedMessage)
	case errors.Is(err, keystore.ErrCorruptRecord):
		return newFailure(status, corruptMessage)
	case status == http.StatusInternalServerError:
		return newFailure(status, internal)
	case status == http.StatusInsufficientStorage:
		return newFailure(status, fullMessage)
	}
	refusal := newFailure(status, err.Error())
	var repeated *keystore.RepeatedError
	if errors.As(err, &repeated) {
		refusal.Err.ID = repeated.ID
	}
	return refusal
}

// statusOf is the status of an error; 200 for nil.
func statusOf(err error) int {
	var (
		own     *failure
		invalid *keystore.InvalidError
		missing *keystore.NotFoundError
		refused *keystore.RefusedError
		again   *keystore.RepeatedError
		stale   *keystore.ConflictError
		imports *keystore.ImportError
	)
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &own):
		return own.status
	case errors.Is(err, syscall.ENOSPC):
		return http.StatusInsufficientStorage
	case errors.As(err, &invalid):
		return http.StatusBadRequest
	case errors.As(err, &missing), errors.Is(err, keystore.ErrNoImport):
		return http.StatusNotFound
	case errors.As(err, &refused), errors.As(err, &again), errors.As(err, &imports):
		return http.StatusConflict
	case errors.As(err, &stale):
		return http.StatusPreconditionFailed
	case errors.Is(err, keystore.ErrActorEnded):
		return http.StatusUnauthorized
	case errors.Is(err, keystore.ErrClosed), errors.Is(err, keystore.ErrBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
