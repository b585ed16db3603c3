package rules

import (
	"cmp"
	"errors"
	"slices"
)

// maxConflicts is how many conflicts New spells out. Rules can have as many as there are pairs of them.
const maxConflicts = 1000

// conflicts finds the pairs of rules that contradict each other, in the order of the routes.
func (t *Table) conflicts() []error {
	var found []*ConflictError
	for _, a := range t.rules {
		if found = append(found, t.conflictsOf(a)...); len(found) > maxConflicts {
			break
		}
	}
	slices.SortFunc(found, func(x, y *ConflictError) int { return cmp.Or(x.A-y.A, x.B-y.B) })
	var problems []error
	for i, conflict := range found {
		if i == maxConflicts {
			return append(problems, errors.New("there are more conflicts than these"))
		}
		problems = append(problems, conflict)
	}
	return problems
}

// conflictsOf gives the conflicts of a with rules that it crosses.
func (t *Table) conflictsOf(a *rule) []*ConflictError {
	var found []*ConflictError
	t.root.crossing(a, func(b *rule) {
		if a.effect != b.effect {
			found = append(found, newConflict(a, b))
		}
	})
	return found
}

// crossing calls visit with the rules in the trie at n that overlap a, neither being more specific, and that have a
// "*" where they first differ from a and a has a literal. Of two rules that overlap, one is such a rule for the
// other: if they first differed in that one ends in "**", it would be the less specific one. So each pair comes up
// once, and neither broad rules nor rules side by side are compared with each other. Rules that require the same as
// a may be left out. a must be in the trie itself.
func (n *node) crossing(a *rule, visit func(b *rule)) {
	for i, segment := range a.pattern.segments {
		if segment == anySegment {
			n = n.any
			continue
		}
		n.any.overlapping(a.pattern.segments[i+1:], a.pattern.deep, a.agrees, func(b *rule) {
			if a.pattern.relation(b.pattern) == Overlapping {
				visit(b)
			}
		})
		n = n.literals[segment]
	}
}

// agrees reports whether all rules at n and below require the same as r.
func (r *rule) agrees(n *node) bool { return !n.mixed && n.sample.effect == r.effect }

// newConflict puts the earlier route first.
func newConflict(a, b *rule) *ConflictError {
	if a.index > b.index {
		a, b = b, a
	}
	method, requiredA, requiredB, _ := difference(a, b, func(a, b Requirement) bool { return a != b })
	return &ConflictError{
		A: a.index, B: b.index,
		PatternA: a.row.Pattern, PatternB: b.row.Pattern,
		Witness: a.pattern.witness(b.pattern),
		Method:  method, RequirementA: requiredA, RequirementB: requiredB,
	}
}

// overlapping calls visit, in no particular order, with every rule whose pattern overlaps the one that
// consists of segments and, if deep, "**". It leaves out what skip says of a node and all below.
func (n *node) overlapping(segments []string, deep bool, skip func(*node) bool, visit func(*rule)) {
	if n == nil || skip(n) {
		return
	}
	if n.deep != nil {
		visit(n.deep)
	}
	if len(segments) == 0 {
		n.overlappingEnd(deep, skip, visit)
		return
	}
	n.any.overlapping(segments[1:], deep, skip, visit)
	if segments[0] != anySegment {
		n.literals[segments[0]].overlapping(segments[1:], deep, skip, visit)
		return
	}
	for _, child := range n.literals {
		child.overlapping(segments[1:], deep, skip, visit)
	}
}

// overlappingEnd goes on where the pattern has ended: all that is below overlaps its "**".
func (n *node) overlappingEnd(deep bool, skip func(*node) bool, visit func(*rule)) {
	if n.exact != nil {
		visit(n.exact)
	}
	if !deep {
		return
	}
	n.any.overlapping(nil, true, skip, visit)
	for _, child := range n.literals {
		child.overlapping(nil, true, skip, visit)
	}
}
