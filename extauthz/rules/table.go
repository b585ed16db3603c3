package rules

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// anyMethod is the key of Route.Methods that stands for every method not listed.
const anyMethod = "*"

// Route is a pattern and what each method requires there. The keys of Methods are methods or "*".
type Route struct {
	Pattern string
	Methods map[string]Requirement
}

// RouteError is a problem of one route.
type RouteError struct {
	Index  int    // of the route, from 0
	Method string // "" if the problem is not about a method
	Err    error
}

func (e *RouteError) Error() string { return e.Err.Error() }

// Unwrap gives the problem itself.
func (e *RouteError) Unwrap() error { return e.Err }

// ConflictError says that two routes contradict each other: both cover Witness, neither is more specific, and they
// require different things of Method there.
type ConflictError struct {
	A, B                       int // indexes of the routes, A < B
	PatternA, PatternB         string
	Witness, Method            string
	RequirementA, RequirementB Requirement
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%q and %q both cover %s and neither is more specific, but %s requires %s in one and %s in the other: add a pattern for what both cover, or make them agree",
		e.PatternA, e.PatternB, e.Witness, e.Method, e.RequirementA, e.RequirementB)
}

// route is a Route made ready.
type route struct {
	index   int
	pattern Pattern
	methods map[string]Requirement
	byAny   Requirement // of a method that is not listed
	hasAny  bool        // byAny comes from "*", not from the default
}

// requires gives what method needs here, and whether the method itself is listed. HEAD follows GET.
func (r *route) requires(method string) (required Requirement, listed bool) {
	if required, listed = r.methods[method]; listed {
		return required, true
	}
	if method == "HEAD" {
		if required, listed = r.methods["GET"]; listed {
			return required, true
		}
	}
	return r.byAny, false
}

// Table is a set of rules that do not contradict each other. It never changes and is safe for concurrent use.
type Table struct {
	routes    []*route // sorted by pattern
	root      *node
	byDefault Requirement
}

// New builds a Table. byDefault is what is required where no route covers the path, or the one that does lists neither
// the method nor "*": Full or Deny. The error joins every problem there is, each a *RouteError or *ConflictError.
// The order of the routes means nothing.
func New(routes []Route, byDefault Requirement) (*Table, error) {
	t := &Table{root: &node{}, byDefault: byDefault}
	var problems []error
	if byDefault != Full && byDefault != Deny {
		problems = append(problems, fmt.Errorf("default is %s: want full or deny", byDefault))
	}
	for i, r := range routes {
		made, errs := prepare(i, r, byDefault)
		problems = append(problems, errs...)
		if len(errs) == 0 {
			t.routes = append(t.routes, made)
		}
	}
	// In the order of the patterns, so that among routes that agree the same one is found whatever the file's order.
	slices.SortFunc(t.routes, func(a, b *route) int {
		return cmp.Or(strings.Compare(a.pattern.source, b.pattern.source), a.index-b.index)
	})
	if problems = append(problems, conflicts(t.routes)...); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for _, r := range t.routes {
		t.root.insert(r.pattern.segments, r.pattern.rest, r)
	}
	return t, nil
}

func prepare(index int, r Route, byDefault Requirement) (*route, []error) {
	var problems []error
	pattern, err := ParsePattern(r.Pattern)
	if err != nil {
		problems = append(problems, &RouteError{Index: index, Err: err})
	}
	if len(r.Methods) == 0 {
		problems = append(problems, &RouteError{Index: index, Err: fmt.Errorf("%q lists no method", r.Pattern)})
	}
	for _, method := range slices.Sorted(maps.Keys(r.Methods)) {
		if method != anyMethod && !ValidMethod(method) {
			problems = append(problems, &RouteError{index, method, fmt.Errorf("%q is not a method: want [A-Z][A-Z-]{0,31} or \"*\"", method)})
		}
	}
	made := &route{index: index, pattern: pattern, methods: maps.Clone(r.Methods), byAny: byDefault}
	if required, ok := r.Methods[anyMethod]; ok {
		made.byAny, made.hasAny = required, true
		delete(made.methods, anyMethod)
	}
	return made, problems
}

// conflicts finds every pair of routes that cover the same paths, or overlap and disagree. Only routes with the same
// first literal, or with a wildcard there, can meet.
func conflicts(routes []*route) []error {
	var found []error
	byHead := map[string][]*route{}
	var wild []*route
	check := func(r *route, others []*route) {
		for _, other := range others {
			if err := conflict(other, r); err != nil {
				found = append(found, err)
			}
		}
	}
	for _, r := range routes {
		if segs := r.pattern.segments; len(segs) > 0 && !segs[0].any {
			check(r, byHead[segs[0].literal])
			check(r, wild)
			byHead[segs[0].literal] = append(byHead[segs[0].literal], r)
			continue
		}
		for _, others := range byHead {
			check(r, others)
		}
		check(r, wild)
		wild = append(wild, r)
	}
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return found
}

func conflict(a, b *route) error {
	if a.index > b.index {
		a, b = b, a
	}
	relation, witness := a.pattern.Compare(b.pattern)
	switch relation {
	case Equal:
		return &RouteError{Index: b.index, Err: fmt.Errorf("%q covers the same paths as %q: merge the two", b.pattern, a.pattern)}
	case Overlapping:
		if method, differ := difference(a, b); differ {
			e := &ConflictError{A: a.index, B: b.index, PatternA: a.pattern.source, PatternB: b.pattern.source, Witness: witness, Method: method}
			e.RequirementA, _ = a.requires(method)
			e.RequirementB, _ = b.requires(method)
			return e
		}
	}
	return nil
}

// difference finds a method of which a and b require different things. "*" stands for those that neither lists.
func difference(a, b *route) (method string, differ bool) {
	for _, method := range methodsOf(a, b) {
		inA, _ := a.requires(method)
		inB, _ := b.requires(method)
		if inA != inB {
			return method, true
		}
	}
	return "", false
}

// methodsOf lists every method that two routes can tell apart, sorted, and "*" for all others.
func methodsOf(a, b *route) []string {
	methods := append(slices.Collect(maps.Keys(a.methods)), slices.Collect(maps.Keys(b.methods))...)
	methods = append(methods, "GET", "HEAD")
	slices.Sort(methods)
	return append(slices.Compact(methods), anyMethod)
}

// Decision is what a table says of a request.
type Decision struct {
	Rule        string      // the deciding pattern, "" where none covers the path
	Required    Requirement // what the request needs
	Listed      bool        // the rule lists the method itself, for HEAD also by way of GET; "*" does not count
	FromDefault bool        // the default decided, for want of a rule or of its method
}

// Match decides. The most specific pattern that covers the path decides alone; a method that it does not list gets
// its "*" or the default, never what a broader pattern says. Every pair gets a decision. Nothing is allocated, and
// the time does not grow with the number of routes.
func (t *Table) Match(method string, p Path) Decision {
	r := t.find(p)
	if r == nil {
		return Decision{Required: t.byDefault, FromDefault: true}
	}
	required, listed := r.requires(method)
	return Decision{Rule: r.pattern.source, Required: required, Listed: listed, FromDefault: !listed && !r.hasAny}
}

func (t *Table) find(p Path) *route {
	if p.text == "" {
		return nil
	}
	return t.root.find(strings.TrimSuffix(p.text[1:], "/"))
}

// Default is what is required where no rule decides.
func (t *Table) Default() Requirement { return t.byDefault }

// Row is one route as people read it.
type Row struct {
	Pattern string
	Methods []MethodRequirement // sorted, "*" last
}

// MethodRequirement is one cell of a Row.
type MethodRequirement struct {
	Method   string
	Required Requirement
}

// Rows lists the routes, sorted by pattern.
func (t *Table) Rows() []Row {
	rows := make([]Row, 0, len(t.routes))
	for _, r := range t.routes {
		row := Row{Pattern: r.pattern.source}
		for _, method := range slices.Sorted(maps.Keys(r.methods)) {
			row.Methods = append(row.Methods, MethodRequirement{method, r.methods[method]})
		}
		if r.hasAny {
			row.Methods = append(row.Methods, MethodRequirement{anyMethod, r.byAny})
		}
		rows = append(rows, row)
	}
	return rows
}
