package extauthz

import (
	"net/http"

	"google.golang.org/grpc/codes"
)

// Reason says why a check was answered as it was. The set is closed: one table, reasons, gives each its
// HTTP status, gRPC code, challenge and label. The zero Reason means that nothing is decided yet and never allows.
type Reason uint8

// The reasons in the order in which they are tried; the first that applies decides.
const (
	Undecided              Reason = iota
	NotHTTP                       // a check without an HTTP request, as Istio sends for raw TCP
	BadMethod                     // not [A-Z][A-Z-]{0,31}
	AmbiguousPath                 // not canonical: an upstream could read it as another path
	Preflight                     // a CORS preflight; passes without identity
	Public                        // the rule asks for no key; passes without identity
	NoCredential                  // no Authorization, or another scheme than Bearer
	MalformedCredential           // several values, or not one token of RFC 6750
	UnknownKey                    // no record is stored under the key's digest
	CorruptRecord                 // the record is stored but its integrity tag does not hold
	Revoked                       // ended for good
	Disabled                      // switched off, may come back
	Expired                       // now >= expires_at
	NoRule                        // the rule or the default says deny
	InsufficientPermission        // the key is good, its permission is too low
	Allowed                       // the key's permission covers what the rule requires
	CouldNotDecide                // an error, panic or late context: gRPC UNAVAILABLE, never an answer
	reasonCount
)

// Result is the coarse outcome of a check, as the result label of keygate_checks_total has it.
type Result string

// The three results.
const (
	ResultAllowed Result = "allowed"
	ResultDenied  Result = "denied"
	ResultError   Result = "error"
)

// reasonFacts is one row of the reason table.
type reasonFacts struct {
	label     string // metric label, log word, metadata value
	result    Result
	status    int        // HTTP status of a denial
	grpc      codes.Code // CheckResponse.status.code of a denial; only codes that every Envoy takes for a denial
	code      string     // error.code of the body
	message   string     // error.message of the body, and the whole body for a gRPC client
	challenge bool       // whether WWW-Authenticate is sent
	oauth     string     // RFC 6750 section 3.1 error code in the challenge, "" for none
}

// unauthorized is what clients see of every denial that a better key could lift: alike for every cause.
func unauthorized(label, oauth string) reasonFacts {
	return reasonFacts{label, ResultDenied, http.StatusUnauthorized, codes.Unauthenticated,
		"UNAUTHORIZED", "Invalid or missing API key", true, oauth}
}

func badRequest(label, message string) reasonFacts {
	return reasonFacts{label, ResultDenied, http.StatusBadRequest, codes.PermissionDenied,
		"BAD_REQUEST", message, false, ""}
}

func passes(label string) reasonFacts { return reasonFacts{label: label, result: ResultAllowed} }

const (
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

var reasons = [reasonCount]reasonFacts{
	Undecided: {label: "undecided", result: ResultError},
	NotHTTP: {"not_http", ResultDenied, http.StatusForbidden, codes.PermissionDenied,
		"FORBIDDEN", "Not an HTTP request", false, ""},
	BadMethod:              badRequest("bad_method", "Unsupported method"),
	AmbiguousPath:          badRequest("ambiguous_path", "Ambiguous request path"),
	Preflight:              passes("preflight"),
	Public:                 passes("public"),
	NoCredential:           unauthorized("no_credential", ""),
	MalformedCredential:    unauthorized("malformed_credential", invalidToken),
	UnknownKey:             unauthorized("unknown_key", invalidToken),
	CorruptRecord:          unauthorized("corrupt_record", invalidToken),
	Revoked:                unauthorized("revoked", invalidToken),
	Disabled:               unauthorized("disabled", invalidToken),
	Expired:                unauthorized("expired", invalidToken),
	NoRule:                 unauthorized("no_rule", insufficientScope),
	InsufficientPermission: unauthorized("insufficient_permission", insufficientScope),
	Allowed:                passes("allowed"),
	CouldNotDecide:         {label: "error", result: ResultError},
}

// String is the reason's label: lower case with underscores, safe as a metric label and a log word.
func (r Reason) String() string { return r.facts().label }

// Result tells whether the reason allows, denies, or is no decision.
func (r Reason) Result() Result { return r.facts().result }

// Allows reports whether a request decided with r may pass. It is false for every value outside the table.
func (r Reason) Allows() bool { return r.facts().result == ResultAllowed }

func (r Reason) facts() *reasonFacts {
	if r >= reasonCount {
		r = Undecided
	}
	return &reasons[r]
}

// Reasons lists every reason that a check can end with.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := NotHTTP; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}
