package rules

import "strings"

// node is one position in the tree of all patterns. Every path that reaches it through its parents' edges has
// the same segments so far, as far as any pattern tells segments apart.
//
// A walk tries a literal edge, then the "any" edge, then the rest: at the first position where two patterns that
// cover a path differ, the more specific one has the earlier of these, so the first pattern found is one that no
// other covering pattern is more specific than. Steps back are bounded by the number of nodes whose edges fit the
// path: at most 2^depth for rules written to provoke it, and never more than there are patterns.
type node struct {
	literals map[string]*node
	any      *node
	exact    *route // ends here
	rest     *route // ends here in "**"
}

func (n *node) insert(segments []segment, rest bool, r *route) {
	for _, seg := range segments {
		n = n.child(seg)
	}
	if rest {
		n.rest = r
	} else {
		n.exact = r
	}
}

func (n *node) child(seg segment) *node {
	if seg.any {
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	}
	if n.literals == nil {
		n.literals = map[string]*node{}
	}
	next := n.literals[seg.literal]
	if next == nil {
		next = &node{}
		n.literals[seg.literal] = next
	}
	return next
}

// find walks the decoded path's remaining text, which begins after a slash. It allocates nothing.
func (n *node) find(text string) *route {
	if text == "" {
		if n.exact != nil {
			return n.exact
		}
		return n.rest
	}
	head, tail, _ := strings.Cut(text, "/")
	if next := n.literals[head]; next != nil {
		if r := next.find(tail); r != nil {
			return r
		}
	}
	if n.any != nil {
		if r := n.any.find(tail); r != nil {
			return r
		}
	}
	return n.rest
}
