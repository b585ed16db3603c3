// Package extauthz answers Envoy's external-authorization checks (envoy.service.auth.v3.Authorization/Check).
//
// A check is one sentence, and Service.Check and Service.Decide read like it:
//
//	CheckRequest bytes -> request -> credential -> key record -> required permission -> verdict -> CheckResponse
//
// Envoy's types appear at its two ends only. In between a decision is a pure function of the rules, the key's
// record and the time; a denial is a value with a Reason, and an error means that nothing could be decided,
// which never allows.
package extauthz

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/antinium/keygate/keystore"
)

// errUndecided is all that a caller learns of a failure; the cause goes to the observer.
var errUndecided = status.Error(codes.Unavailable, "keygate could not decide")

// Observation is what became of one check, for metrics and logs. It holds no credential.
type Observation struct {
	Verdict   Verdict
	Method    string // "" unless valid
	RequestID string // the client's word: quote it
	Address   string // where the request came from: an IP address without port and zone, or ""
	Duration  time.Duration
	Err       error // why nothing could be decided; nil otherwise
	Panicked  bool
}

// Service decides checks. It is safe for concurrent use.
type Service struct {
	authv3.UnimplementedAuthorizationServer
	keys    *keystore.Store
	policy  atomic.Pointer[Policy]
	observe func(Observation)

	testingOnlyBeforeAnswer func() // lets a test panic or cancel between decision and answer
}

// NewService makes a Service over an open store. observe is called once for every check, on the check's
// own goroutine, and must neither block nor keep the store's records waiting; nil means nobody watches.
func NewService(keys *keystore.Store, policy *Policy, observe func(Observation)) *Service {
	if observe == nil {
		observe = func(Observation) {}
	}
	s := &Service{keys: keys, observe: observe}
	s.policy.Store(policy)
	return s
}

// SetPolicy puts a new policy in force: every check uses the old one or the new one whole.
func (s *Service) SetPolicy(p *Policy) { s.policy.Store(p) }

// Policy is the policy in force.
func (s *Service) Policy() *Policy { return s.policy.Load() }

// Check answers one check. It allows only by a verdict that allows, reached while ctx was live. Whatever
// else happens, a panic and a fault on the mapped database included, is gRPC UNAVAILABLE, which Envoy
// answers with its status_on_error.
func (s *Service) Check(ctx context.Context, in *authv3.CheckRequest) (out *authv3.CheckResponse, err error) {
	seen := Observation{}
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			seen.Panicked, seen.Err = true, fmt.Errorf("panic: %s", panicText(p))
		}
		if seen.Err != nil {
			seen.Verdict = seen.Verdict.because(CouldNotDecide)
			out, err = nil, errUndecided
		}
		seen.Duration = time.Since(start)
		s.observe(seen)
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	policy := s.policy.Load()
	request := ParseRequest(in, policy.responses.HeaderPrefix)
	seen.RequestID = request.RequestID
	seen.Address = policy.address(&request)
	seen.Verdict, seen.Err = s.Decide(policy, request)
	if seen.Verdict.Reason != BadMethod {
		seen.Method = request.Method
	}
	if s.testingOnlyBeforeAnswer != nil {
		s.testingOnlyBeforeAnswer()
	}
	if seen.Err == nil {
		seen.Err = ctx.Err() // too late to be heard: an allow must not be the answer to a cancelled question
	}
	if seen.Err != nil {
		return nil, errUndecided
	}
	return policy.answers.respond(request, seen.Verdict), nil
}

// Decide gives the verdict on a request. An error means that the key could not be looked up.
func (s *Service) Decide(policy *Policy, request Request) (Verdict, error) {
	verdict := policy.Require(request)
	if verdict.Reason != Undecided {
		return verdict, nil
	}
	token, denial := ParseCredential(request.Authorization)
	if denial != Undecided {
		return verdict.because(denial), nil
	}
	record, denial, err := s.find(token)
	if err != nil || denial != Undecided {
		return verdict.because(denial), err
	}
	return verdict.Judge(record, s.keys.Now()), nil
}

// find resolves a token to its record, or to the reason why there is none to judge.
func (s *Service) find(token string) (*keystore.Record, Reason, error) {
	record, err := s.keys.Lookup(token)
	switch {
	case err == nil:
		return record, Undecided, nil
	case errors.Is(err, keystore.ErrUnknownKey):
		return nil, UnknownKey, nil
	case errors.Is(err, keystore.ErrCorruptRecord):
		return nil, CorruptRecord, nil
	}
	return nil, CouldNotDecide, err
}

// panicText keeps what a panic says when the runtime said it, and only its type otherwise: an arbitrary
// value may hold what the client sent.
func panicText(p any) string {
	if err, ok := p.(interface {
		error
		RuntimeError()
	}); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}
