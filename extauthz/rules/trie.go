package rules

import "strings"

// node is a place in the trie of all patterns, one level a segment:
//
//	/v1/**                root ─ v1 (deep)
//	/v1/documents/{id}           └─ documents ─ any (exact)
//
// A rule hangs at the node where its pattern ends.
type node struct {
	literals map[string]*node // by decoded segment
	any      *node            // "*"
	exact    *rule            // of the pattern that ends here
	deep     *rule            // of the pattern that ends here with "**"

	settles bool  // set on a literal's node: it has an answer for every path for which its sibling "*" has one
	sample  *rule // some rule at n or below
	mixed   bool  // those rules differ in effect
}

// find gives the rule for a decoded path, of which the part that led to n is cut off; nil if none covers it.
//
// It tries the literal, then "*", then "**", and the first rule it meets is the answer. That rule is most
// specific: say A is found and B covers the path too, but is more specific. Then B, where it first differs
// from A, has a literal for A's "*" or anything for A's "**", and find would have tried B's way before A's.
// Of several most specific rules it is always the same one, by the same order, whatever the order in the
// file.
//
// A way that leads nowhere is taken back, so find may visit more nodes than the path has segments, but each
// node once at most. The number does not depend on how many rules there are but on how often a node has "*"
// beside a literal that does not settle what "*" would: 2 to the power of these levels. New refuses rules for
// which it exceeds maxVisits.
func (n *node) find(rest string) *rule {
	if testingOnlyVisit != nil {
		testingOnlyVisit()
	}
	if rest == "" || rest == "/" {
		return orRule(n.exact, n.deep)
	}
	end := segmentEnd(rest, 1)
	if child := n.literals[rest[1:end]]; child != nil {
		if found := child.find(rest[end:]); found != nil || child.settles {
			return orRule(found, n.deep)
		}
	}
	if n.any != nil {
		if found := n.any.find(rest[end:]); found != nil {
			return found
		}
	}
	return n.deep
}

// orRule gives the first of two rules that there is.
func orRule(first, second *rule) *rule {
	if first != nil {
		return first
	}
	return second
}

// testingOnlyVisit is called for every node that find visits.
var testingOnlyVisit func()

// slot is where the rule r hangs; the nodes that lead there are made and take note of it.
func (n *node) slot(r *rule) **rule {
	n.note(r)
	for _, segment := range r.pattern.segments {
		n = n.child(segment)
		n.note(r)
	}
	if r.pattern.deep {
		return &n.deep
	}
	return &n.exact
}

func (n *node) note(r *rule) {
	if n.sample == nil {
		n.sample = r
	}
	n.mixed = n.mixed || r.effect != n.sample.effect
}

func (n *node) child(segment string) *node {
	if segment == anySegment {
		if n.any == nil {
			n.any = new(node)
		}
		return n.any
	}
	child := n.literals[segment]
	if child == nil {
		if n.literals == nil {
			n.literals = make(map[string]*node)
		}
		child = new(node)
		n.literals[strings.Clone(segment)] = child
	}
	return child
}
