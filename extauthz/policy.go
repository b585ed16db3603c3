package extauthz

import (
	"github.com/antinium/keygate/extauthz/rules"
)

// Responses says how verdicts are told to Envoy, clients, upstreams and the observer. The zero value of each field is
// replaced by the default that stands beside it when a Policy is made.
type Responses struct {
	Realm                  string // realm of WWW-Authenticate; default "api"
	InsufficientPermission int    // status for insufficient_permission: 401 (default) or 403
	HeaderPrefix           string // of the identity headers; default "x-antinium-"
	ForwardCredential      bool   // leave authorization in the request
	ForwardOverrides       bool   // leave x-http-method-override and its kin in the request
	CheckPreflights        bool   // treat CORS preflights as ordinary requests
	ClientAddress          bool   // observe the client's address as Envoy tells it, rather than the peer's
}

func (r Responses) withDefaults() Responses {
	if r.Realm == "" {
		r.Realm = "api"
	}
	if r.InsufficientPermission == 0 {
		r.InsufficientPermission = 401
	}
	if r.HeaderPrefix == "" {
		r.HeaderPrefix = "x-antinium-"
	}
	return r
}

// Policy is one loaded configuration: rules and the answers prepared for it. It never changes, so a check
// that has loaded a Policy sees one table and one set of answers from start to end.
type Policy struct {
	rules     *rules.Table
	responses Responses
	answers   *answers
}

// NewPolicy prepares a Policy. It is safe for concurrent use.
func NewPolicy(table *rules.Table, responses Responses) *Policy {
	responses = responses.withDefaults()
	return &Policy{rules: table, responses: responses, answers: newAnswers(responses)}
}

// Require is the part of a decision that needs no key: request line -> what its rule requires. The verdict's
// Reason is Undecided where a key has to decide, and otherwise final: NotHTTP, BadMethod, AmbiguousPath,
// Preflight or Public.
func (p *Policy) Require(r Request) Verdict {
	if !r.HTTP {
		return Verdict{Reason: NotHTTP}
	}
	if !rules.ValidMethod(r.Method) {
		return Verdict{Reason: BadMethod}
	}
	path, err := rules.ParsePath(r.Target)
	if err != nil {
		return Verdict{Reason: AmbiguousPath, Problem: err}
	}
	found := p.rules.Match(r.Method, path)
	return Verdict{Reason: p.passesWithoutKey(r, found), Routed: true, Rule: found.Rule, Required: found.Required}
}

// passesWithoutKey gives Preflight or Public, and Undecided where a key is needed.
func (p *Policy) passesWithoutKey(r Request, found rules.Decision) Reason {
	switch {
	case !p.responses.CheckPreflights && r.isPreflight() && !found.Listed && found.Required != rules.Deny:
		return Preflight
	case found.Required == rules.Public:
		return Public
	}
	return Undecided
}
