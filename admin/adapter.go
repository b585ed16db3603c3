package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"syscall"

	"github.com/danielgtaylor/huma/v2"

	"github.com/antinium/keygate/keystore"
)

// endpoint is what is said about a call beside the call itself.
type endpoint struct {
	id      string // of the operation in OpenAPI; for a change also its name in the log
	method  string
	path    string
	summary string
	created bool // answers 201 instead of 200
}

// answer is an envelope as huma wants it.
type answer[T any] struct{ Body success[T] }

// read registers a call that changes nothing.
func read[I, O any](s *Server, e endpoint, call func(context.Context, *I) (O, error)) {
	register(s, e, internalMessage, func(ctx context.Context, in *I) (O, error) {
		out, err := call(ctx, in)
		if statusOf(err) == http.StatusInternalServerError {
			s.log.LogAttrs(ctx, slog.LevelError, "admin call failed", slog.String("call", e.id),
				slog.String("request_id", loggable(callerOf(ctx).RequestID, keystore.MaxWho)), slog.Any("error", err))
		}
		return out, err
	})
}

// change registers a call that changes a key. Each writes one log line, also
// when it failed. What is not a refusal may have happened half way, so the
// answer tells the caller to look.
func change[I, O any](s *Server, e endpoint, call func(context.Context, *I, keystore.By) (O, changed, error)) {
	register(s, e, uncertainMessage, func(ctx context.Context, in *I) (O, error) {
		by := callerOf(ctx)
		out, what, err := call(ctx, in, by)
		s.logChange(ctx, e.id, what, by, err)
		return out, err
	})
}

// register is the one adapter: it puts answer or error into the envelope.
// internal is the message of an error that was not made for callers.
func register[I, O any](s *Server, e endpoint, internal string, call func(context.Context, *I) (O, error)) {
	huma.Register(s.api, e.operation(), func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := call(ctx, in)
		if err != nil {
			return nil, failureOf(err, internal)
		}
		return &answer[O]{Body: success[O]{Success: true, Data: out}}, nil
	})
}

func (e endpoint) operation() huma.Operation {
	op := huma.Operation{
		OperationID: e.id, Method: e.method, Path: e.path, Summary: e.summary,
		MaxBodyBytes:    maxBody + 1, // readBody holds the limit; huma counts one byte short
		BodyReadTimeout: -1,          // the body is here already
	}
	if e.created {
		op.DefaultStatus = http.StatusCreated
	}
	return op
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
	case errors.Is(err, keystore.ErrCorruptRecord):
		return newFailure(status, corruptMessage)
	case status == http.StatusInternalServerError:
		return newFailure(status, internal)
	case status == http.StatusInsufficientStorage:
		return newFailure(status, fullMessage)
	}
	return newFailure(status, err.Error())
}

// statusOf is the status of an error; 200 for nil.
func statusOf(err error) int {
	var (
		own     *failure
		invalid *keystore.InvalidError
		missing *keystore.NotFoundError
		refused *keystore.RefusedError
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
	case errors.As(err, &missing):
		return http.StatusNotFound
	case errors.As(err, &refused):
		return http.StatusConflict
	case errors.Is(err, keystore.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
