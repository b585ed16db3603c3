package rules

// maxVisits bounds the nodes that one match may visit, whatever the path and however many rules there are. Rules as
// people write them need less than 50; the bound is for those that a program could write, with "*" beside a
// literal on ten levels and different endings below each.
const maxVisits = 1024

// settle marks, at n and below, the literals after whose failure "*" need not be tried.
func (n *node) settle() {
	if n == nil {
		return
	}
	n.any.settle()
	for _, child := range n.literals {
		child.settle()
		child.settles = child.answersAll(n.any)
	}
}

// answersAll reports whether n has a rule for every path for which other has one. It may say no where yes is true:
// it does not put several of n's ways together to answer for one of other's, and never looks at more nodes than n has.
func (n *node) answersAll(other *node) bool {
	switch {
	case other == nil || n != nil && n.deep != nil:
		return true
	case n == nil || other.deep != nil || other.exact != nil && n.exact == nil || len(other.literals) > len(n.literals):
		return false
	case !n.any.answersAll(other.any):
		return false
	}
	for segment, child := range other.literals {
		if !n.literals[segment].answersAll(child) {
			return false
		}
	}
	return true
}

// visits bounds from above the number of nodes that find visits from n on, over all paths.
func (n *node) visits() int {
	if n == nil {
		return 0
	}
	byAny := n.any.visits()
	most := byAny
	for _, child := range n.literals {
		below := child.visits()
		if !child.settles {
			below += byAny
		}
		most = max(most, below)
	}
	return 1 + most
}
