package rules

import "fmt"

// RouteError is a problem of one route.
type RouteError struct {
	Index   int    // of the route, as given to New
	Pattern string // of the route, as written
	Method  string // as written, if the problem is one method's
	Err     error  // a *SyntaxError if the pattern does not parse
}

func (e *RouteError) Error() string { return fmt.Sprintf("route %q: %v", e.Pattern, e.Err) }

func (e *RouteError) Unwrap() error { return e.Err }

// ConflictError says that two routes overlap, that neither is more specific, and that they require different
// things of one method at least.
type ConflictError struct {
	A, B                       int // indexes of the routes, as given to New; A < B
	PatternA, PatternB         string
	Witness                    string // a path that both cover
	Method                     string // the first they differ on; "*" if it is only on methods that neither lists
	RequirementA, RequirementB Requirement
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("routes %q and %q both cover %s and neither is more specific, but %s requires %s by the first and %s by the second",
		e.PatternA, e.PatternB, e.Witness, methodWord(e.Method), e.RequirementA, e.RequirementB)
}

// methodWord names a method, or the "*" of a rule, in a sentence.
func methodWord(method string) string {
	if method == otherMethods {
		return "any other method"
	}
	return method
}
