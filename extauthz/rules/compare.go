package rules

import "strings"

// Relation is how the paths of one pattern lie to those of another.
type Relation int

// The relations of a pattern p to a pattern q.
const (
	Equal        Relation = iota // the same paths
	MoreSpecific                 // p's paths are some of q's
	LessSpecific                 // q's paths are some of p's
	Overlapping                  // they share some, and each has others
	Disjoint                     // they share none
)

var relationNames = [...]string{"equal", "more specific", "less specific", "overlapping", "disjoint"}

func (r Relation) String() string { return relationNames[r] }

// Compare gives the relation of p to q, as sets of paths. MoreSpecific, with Equal, is a partial order: if p
// is more specific than q and q than r, so is p than r. Unless they are Disjoint, it also gives a path that
// both cover, escaped as in a request, with x wherever any segment will do.
func (p Pattern) Compare(q Pattern) (Relation, string) {
	relation := p.relation(q)
	if relation == Disjoint {
		return Disjoint, ""
	}
	return relation, p.witness(q)
}

func (p Pattern) relation(q Pattern) Relation {
	if !p.overlaps(q) {
		return Disjoint
	}
	switch within, around := q.covers(p), p.covers(q); {
	case within && around:
		return Equal
	case within:
		return MoreSpecific
	case around:
		return LessSpecific
	}
	return Overlapping
}

// overlaps reports whether some path is in both: no position where their literals differ, and neither ends
// where the other still wants segments.
func (p Pattern) overlaps(q Pattern) bool {
	shared := min(len(p.segments), len(q.segments))
	if len(p.segments) > shared && !q.deep || len(q.segments) > shared && !p.deep {
		return false
	}
	for i := range shared {
		if a, b := p.segments[i], q.segments[i]; a != b && a != anySegment && b != anySegment {
			return false
		}
	}
	return true
}

// covers reports whether every path of q is one of p. There are more segments than any set of patterns has
// literals, so only "*" covers "*".
func (p Pattern) covers(q Pattern) bool {
	if len(q.segments) < len(p.segments) || !p.deep && (q.deep || len(q.segments) > len(p.segments)) {
		return false
	}
	for i, segment := range p.segments {
		if segment != anySegment && segment != q.segments[i] {
			return false
		}
	}
	return true
}

// witness is a path in both of two patterns that overlap.
func (p Pattern) witness(q Pattern) string {
	if len(p.segments) < len(q.segments) {
		p, q = q, p
	}
	var path strings.Builder
	for i, segment := range p.segments {
		if segment == anySegment && i < len(q.segments) {
			segment = q.segments[i]
		}
		path.WriteByte('/')
		path.WriteString(witnessSegment(segment))
	}
	if path.Len() == 0 {
		return "/"
	}
	return path.String()
}

func witnessSegment(segment string) string {
	if segment == anySegment {
		return "x"
	}
	return escape(segment, "")
}
