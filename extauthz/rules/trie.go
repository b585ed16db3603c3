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
// node once at most. The number does not depend on how many rules there are but on how often a node has both a
// literal and "*" below it: 2 to the power of these levels. New refuses rules for which it exceeds maxVisits.
func (n *node) find(rest string) *rule {
	if rest == "" || rest == "/" {
		return n.end()
	}
	end := segmentEnd(rest, 1)
	if child := n.literals[rest[1:end]]; child != nil {
		if found := child.find(rest[end:]); found != nil {
			return found
		}
	}
	if n.any != nil {
		if found := n.any.find(rest[end:]); found != nil {
			return found
		}
	}
	return n.deep
}

// end is the rule for a path that ends at n.
func (n *node) end() *rule {
	if n.exact != nil {
		return n.exact
	}
	return n.deep
}

// maxVisits bounds the nodes that one match may visit, whatever the path. Rules as people write them need
// less than 50; the bound is for those that a program could write, with "*" beside a literal on ten levels.
const maxVisits = 1024

// visits bounds from above the number of nodes that find visits from n on, over all paths.
func (n *node) visits() int {
	byAny := 0
	if n.any != nil {
		byAny = n.any.visits()
	}
	most := byAny
	for _, child := range n.literals {
		below := child.visits()
		if child.deep == nil { // else child has an answer for every path, and "*" is not tried
			below += byAny
		}
		most = max(most, below)
	}
	return 1 + most
}

// slot is where the rule of p hangs; the nodes that lead there are made.
func (n *node) slot(p Pattern) **rule {
	for _, segment := range p.segments {
		n = n.child(segment)
	}
	if p.deep {
		return &n.deep
	}
	return &n.exact
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

// overlapping calls visit, in no particular order, with every rule whose pattern overlaps the one that
// consists of segments and, if deep, "**".
func (n *node) overlapping(segments []string, deep bool, visit func(*rule)) {
	if n == nil {
		return
	}
	if n.deep != nil {
		visit(n.deep)
	}
	if len(segments) == 0 {
		n.overlappingEnd(deep, visit)
		return
	}
	n.any.overlapping(segments[1:], deep, visit)
	if segments[0] != anySegment {
		n.literals[segments[0]].overlapping(segments[1:], deep, visit)
		return
	}
	for _, child := range n.literals {
		child.overlapping(segments[1:], deep, visit)
	}
}

// overlappingEnd goes on where the pattern has ended: all that is below overlaps its "**".
func (n *node) overlappingEnd(deep bool, visit func(*rule)) {
	if n.exact != nil {
		visit(n.exact)
	}
	if !deep {
		return
	}
	n.any.overlapping(nil, true, visit)
	for _, child := range n.literals {
		child.overlapping(nil, true, visit)
	}
}
