// Package rules says what a request requires: method and path -> public, read, write, full or deny.
//
// A request target is a Path only if it has a single reading (ParsePath). A Pattern is a set of paths, and a
// rule a pattern with requirements by method. Of the rules that cover a path, the most specific decides alone:
// by the method if it lists it (HEAD follows GET unless listed itself), else by its "*", else the default
// decides, never a broader rule. Rules for which this would depend on more than their text are refused (New), so
// the order of rules means nothing.
//
// The package has no configuration, no state and no I/O. All its values may be used concurrently.
package rules

import (
	"errors"
	"fmt"
)

// Table is a set of rules without contradictions. It never changes.
type Table struct {
	root      *node
	rules     []*rule // by index of the route
	byDefault Requirement
	effects   map[string]int // rule.effectText -> rule.effect
	fallback  *rule          // the default in the shape of a rule for every path; its pattern is not in root
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

// New makes a table of routes, with a default for what they do not decide: Full or Deny. All problems come at
// once, joined by errors.Join, each a *RouteError (bad pattern, method or requirement, or the same paths as an
// earlier route), a *ConflictError, or, about the whole, a plain error. Routes with a *RouteError take no part
// in the search for conflicts. With an error there is no table.
func New(routes []Route, byDefault Requirement) (*Table, error) {
	var problems []error
	if byDefault != Full && byDefault != Deny {
		problems = append(problems, fmt.Errorf("the default must be full or deny, not %v", byDefault))
	}
	t := &Table{root: new(node), byDefault: byDefault, effects: make(map[string]int)}
	t.fallback = &rule{pattern: Pattern{deep: true}}
	t.fallback.setMethods(nil, byDefault)
	t.number(t.fallback)
	for i, route := range routes {
		problems = append(problems, t.add(i, route)...)
	}
	problems = append(problems, t.conflicts()...)
	t.root.settle()
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
	return t.find(p.decoded).decide(method)
}

// find gives the rule for a decoded path, the default's if none covers it.
func (t *Table) find(path string) *rule {
	if found := t.root.find(path); found != nil {
		return found
	}
	return t.fallback
}

// Default is the requirement of what no rule decides: Full or Deny.
func (t *Table) Default() Requirement { return t.byDefault }

func (t *Table) add(index int, route Route) []error {
	r, err := newRule(index, route, t.byDefault)
	if err != nil {
		return err.(interface{ Unwrap() []error }).Unwrap()
	}
	t.number(r)
	slot := t.root.slot(r)
	if *slot != nil {
		return []error{&RouteError{Index: index, Pattern: route.Pattern, Err: fmt.Errorf("covers the same paths as route %q", (*slot).row.Pattern)}}
	}
	*slot = r
	t.rules = append(t.rules, r)
	return nil
}

// number sets r.effect, so that what two rules require is compared once for all rules like them.
func (t *Table) number(r *rule) {
	text := r.effectText()
	effect, known := t.effects[text]
	if !known {
		effect = len(t.effects)
		t.effects[text] = effect
	}
	r.effect = effect
}
