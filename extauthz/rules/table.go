// Package rules says what a request requires: method and path -> public, read, write, full or deny.
//
// A request target is a Path only if it has a single reading (ParsePath). A Pattern is a set of paths, and a
// rule a pattern with requirements by method. Of the rules that cover a path, the most specific decides alone:
// by the method if it lists it (HEAD follows GET unless listed itself), else by its "*", else the default
// decides, never a broader rule. Rules for which this would depend on more than their text are refused (New), so the order of
// rules means nothing.
//
// The package has no configuration, no state and no I/O. All its values may be used concurrently.
package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Table is a set of rules without contradictions. It never changes.
type Table struct {
	root      *node
	rules     []*rule // by index of the route
	byDefault Requirement
}

// Decision is what a request requires, and why.
type Decision struct {
	Rule     string // the pattern that decided, as written; "" if no rule covers the path
	Required Requirement
	// Listed: the rule lists the method itself (for HEAD also as GET), not through "*".
	Listed bool
	// FromDefault: Required is the table's default, because no rule covers the path, or because the rule does
	// not list the method and has no "*".
	FromDefault bool
}

// maxConflicts is how many conflicts New spells out. Rules can have as many as there are pairs of them.
const maxConflicts = 1000

// New makes a table of routes, with a default for what they do not decide: Full or Deny. All problems come at
// once, joined by errors.Join, each a *RouteError (bad pattern, method or requirement, or the same paths as an
// earlier route), a *ConflictError, or, about the whole, a plain error. Routes with a *RouteError take no part
// in the search for conflicts. With an error there is no table.
func New(routes []Route, byDefault Requirement) (*Table, error) {
	var problems []error
	if byDefault != Full && byDefault != Deny {
		problems = append(problems, fmt.Errorf("the default must be full or deny, not %v", byDefault))
	}
	t := &Table{root: new(node), byDefault: byDefault}
	for i, route := range routes {
		problems = append(problems, t.add(i, route)...)
	}
	problems = append(problems, t.conflicts()...)
	if visits := t.root.visits(); visits > maxVisits {
		problems = append(problems, fmt.Errorf(
			`deciding one path could take %d steps, more than %d: use fewer "*" beside literals`, visits, maxVisits))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return t, nil
}

// Match decides a request, whose method must be valid (ValidMethod). It is total: what no rule decides, the
// default does; and the zero Path, which no request has, is denied. It allocates nothing.
func (t *Table) Match(method string, p Path) Decision {
	if p == (Path{}) {
		return Decision{Required: Deny, FromDefault: true}
	}
	found := t.root.find(p.decoded)
	if found == nil {
		return Decision{Required: t.byDefault, FromDefault: true}
	}
	return found.decide(method)
}

// Default is the requirement of what no rule decides: Full or Deny.
func (t *Table) Default() Requirement { return t.byDefault }

func (t *Table) add(index int, route Route) []error {
	r, err := newRule(index, route, t.byDefault)
	if err != nil {
		return err.(interface{ Unwrap() []error }).Unwrap()
	}
	slot := t.root.slot(r.pattern)
	if *slot != nil {
		return []error{&RouteError{Index: index, Pattern: route.Pattern, Err: fmt.Errorf("covers the same paths as route %q", (*slot).row.Pattern)}}
	}
	*slot = r
	t.rules = append(t.rules, r)
	return nil
}

// conflicts finds the pairs of rules that contradict each other, in the order of the routes. It looks only at
// pairs that overlap, which the trie gives.
func (t *Table) conflicts() []error {
	var found []error
	for _, a := range t.rules {
		for _, c := range t.conflictsOf(a) {
			if len(found) == maxConflicts {
				return append(found, errors.New("there are more conflicts than these"))
			}
			found = append(found, c)
		}
	}
	return found
}

// conflictsOf gives the conflicts of a with routes after it.
func (t *Table) conflictsOf(a *rule) []*ConflictError {
	var found []*ConflictError
	t.root.overlapping(a.pattern.segments, a.pattern.deep, func(b *rule) {
		if b.index > a.index && a.effect != b.effect && a.pattern.relation(b.pattern) == Overlapping {
			found = append(found, newConflict(a, b))
		}
	})
	slices.SortFunc(found, func(x, y *ConflictError) int { return cmp.Compare(x.B, y.B) })
	return found
}

func newConflict(a, b *rule) *ConflictError {
	method, requiredA, requiredB, _ := difference(a, b, func(a, b Requirement) bool { return a != b })
	return &ConflictError{
		A: a.index, B: b.index,
		PatternA: a.row.Pattern, PatternB: b.row.Pattern,
		Witness: a.pattern.witness(b.pattern),
		Method:  method, RequirementA: requiredA, RequirementB: requiredB,
	}
}
