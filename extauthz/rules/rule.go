package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// otherMethods is the name, among a route's methods, of every method that the route does not list.
const otherMethods = "*"

// Route is one rule as the operator writes it. Methods maps methods, or "*" for every method not listed, to
// what they require. It may be empty: then the default decides all methods of these paths.
type Route struct {
	Pattern string
	Methods map[string]Requirement
}

// rule is a Route made ready to decide. It is total: it has a requirement for every method.
type rule struct {
	index   int // of the route
	pattern Pattern
	row     Row
	listed  map[string]Requirement // with HEAD wherever GET is
	others  Requirement            // of every other method
	// othersByDefault: others is the table's default and not the rule's "*".
	othersByDefault bool
	// effect is the same for two rules of a table if and only if they require the same of every method.
	effect int
}

func newRule(index int, route Route, byDefault Requirement) (*rule, error) {
	pattern, err := ParsePattern(route.Pattern)
	problems := []error{err}
	for _, method := range slices.Sorted(maps.Keys(route.Methods)) {
		problems = append(problems, checkMethod(method, route.Methods[method]))
	}
	for i, problem := range problems {
		problems[i] = locate(problem, index, route.Pattern)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	r := &rule{index: index, pattern: pattern, row: newRow(route)}
	r.setMethods(route.Methods, byDefault)
	return r, nil
}

// methodError is on its way to become a RouteError.
type methodError struct {
	method string
	error
}

func checkMethod(method string, required Requirement) error {
	switch {
	case method != otherMethods && !ValidMethod(method):
		return methodError{method, fmt.Errorf(`the method must be "*" or 1 to 32 letters A-Z and hyphens, the first a letter, not %q`, method)}
	case !required.valid():
		return methodError{method, fmt.Errorf("method %q: unknown %v", method, required)}
	}
	return nil
}

func locate(problem error, index int, pattern string) error {
	switch problem := problem.(type) {
	case nil:
		return nil
	case methodError:
		return &RouteError{Index: index, Pattern: pattern, Method: problem.method, Err: problem.error}
	default:
		return &RouteError{Index: index, Pattern: pattern, Err: problem}
	}
}

func (r *rule) setMethods(methods map[string]Requirement, byDefault Requirement) {
	r.listed = maps.Clone(methods)
	if r.listed == nil {
		r.listed = make(map[string]Requirement)
	}
	others, has := methods[otherMethods]
	delete(r.listed, otherMethods)
	r.others, r.othersByDefault = others, !has
	if !has {
		r.others = byDefault
	}
	if get, has := r.listed["GET"]; has {
		if _, own := r.listed["HEAD"]; !own {
			r.listed["HEAD"] = get
		}
	}
}

// effectText spells out what r requires, leaving out listed methods that require what the others do.
func (r *rule) effectText() string {
	var key strings.Builder
	fmt.Fprint(&key, r.others)
	for _, method := range slices.Sorted(maps.Keys(r.listed)) {
		if required := r.listed[method]; required != r.others {
			fmt.Fprintf(&key, " %s %v", method, required)
		}
	}
	return key.String()
}

// decide gives r's answer for a method.
func (r *rule) decide(method string) Decision {
	if required, listed := r.listed[method]; listed {
		return Decision{Rule: r.row.Pattern, Required: required, Listed: true}
	}
	return Decision{Rule: r.row.Pattern, Required: r.others, FromDefault: r.othersByDefault}
}

// difference gives the first method, in alphabetical order and "*" last, for which differ holds of what two
// rules require. Methods that neither lists come as "*": there are always some.
func difference(a, b *rule, differ func(a, b Requirement) bool) (method string, requiredA, requiredB Requirement, found bool) {
	methods := slices.AppendSeq(slices.Collect(maps.Keys(a.listed)), maps.Keys(b.listed))
	slices.Sort(methods)
	for _, method := range append(methods, otherMethods) { // no rule lists "*", so it gives others
		requiredA, requiredB = a.decide(method).Required, b.decide(method).Required
		if differ(requiredA, requiredB) {
			return method, requiredA, requiredB, true
		}
	}
	return "", Deny, Deny, false
}
