package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// folding finds where letter case would change a decision for the worse. Rules compare with case. If an
// upstream does not, then it serves a path in another spelling as if it were the one that a rule R protects,
// while here another rule D decides it, or the default. That is a gap if D requires less of some method.
//
// For R and D that overlap once case is folded, one path of each length is enough to try: in D's spelling where
// D has a literal, in a spelling that no rule has where only R has one, and with a segment that no rule has
// where neither does. Every rule that covers this path covers all others of the length that D decides and R
// covers once folded; so if there is a gap at any of them, there is one here.
type folding struct {
	table   *Table
	folded  []*rule           // by position in table.rules: the same rule with folded literals
	root    *node             // of folded rules; one for each set of paths
	twins   map[*rule][]*rule // a rule in root -> all rules that are the same once folded
	spelled map[string]bool   // every literal, as written
	folds   map[string]bool   // every literal, folded
	filler  string            // a segment that is no literal in any case
	longest int               // segments of the longest pattern
	looser  map[[2]int]bool   // remembers isLooser, by effects
	rivals  map[*rule][]*rule // rule -> those that overlap it once folded and require less of some method
}

func newFolding(t *Table) *folding {
	f := &folding{table: t, root: new(node), twins: make(map[*rule][]*rule), spelled: make(map[string]bool),
		folds: make(map[string]bool), filler: "x", looser: make(map[[2]int]bool), rivals: make(map[*rule][]*rule)}
	for _, r := range t.rules {
		f.add(r)
	}
	for f.folds[foldCase(f.filler)] {
		f.filler += "x"
	}
	for i, r := range t.rules {
		f.findRivals(r, f.folded[i])
	}
	return f
}

func (f *folding) add(r *rule) {
	folded := *r
	folded.pattern.segments = make([]string, len(r.pattern.segments))
	for i, segment := range r.pattern.segments {
		folded.pattern.segments[i] = foldCase(segment)
		f.spelled[segment] = true
		f.folds[foldCase(segment)] = true
	}
	slot := f.root.slot(&folded)
	if *slot == nil {
		*slot = &folded
	}
	f.folded = append(f.folded, &folded)
	f.twins[*slot] = append(f.twins[*slot], r)
	f.longest = max(f.longest, len(r.pattern.segments))
}

// loosened gives the warning about the rule at a position in table.rules, if there is one.
func (f *folding) loosened(position int) (message string, found bool) {
	r, folded := f.table.rules[position], f.folded[position]
	slices.SortFunc(f.rivals[r], byPattern)
	for _, d := range f.rivals[r] {
		for path := range f.paths(r.pattern, d.pattern) {
			if message, found := f.gap(r, folded, path); found {
				return message, true
			}
		}
	}
	return "", false
}

// findRivals notes the rivals of r that are as specific or less, the default as a rule for all paths among them,
// and those that cross it, for which r may be a rival. A more specific rule is none: where it covers a path once
// case is folded, r does not decide.
func (f *folding) findRivals(r, folded *rule) {
	f.root.covering(folded.pattern, func(like *rule) {
		for _, d := range f.twins[like] {
			f.setRival(r, d)
		}
	})
	f.setRival(r, f.table.fallback)
	f.root.crossing(folded, func(like *rule) {
		for _, d := range f.twins[like] {
			f.setRival(r, d)
			f.setRival(d, r)
		}
	})
}

func (f *folding) setRival(r, d *rule) {
	if f.isLooser(d, r) {
		f.rivals[r] = append(f.rivals[r], d)
	}
}

// isLooser reports whether d requires less than r of some method.
func (f *folding) isLooser(d, r *rule) bool {
	if d.effect == r.effect {
		return false
	}
	key := [2]int{d.effect, r.effect}
	looser, known := f.looser[key]
	if !known {
		_, _, _, looser = difference(d, r, requiresLess)
		f.looser[key] = looser
	}
	return looser
}

func requiresLess(a, b Requirement) bool { return a > b }

// paths gives the paths to try for r and d, as the type comment says: one of each length for which rules can
// tell paths apart.
func (f *folding) paths(r, d Pattern) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		shortest := max(len(r.segments), len(d.segments))
		longest := shortest
		if r.deep && d.deep {
			longest = f.longest + 1
		}
		var path strings.Builder
		for i := range longest {
			if i >= shortest && !yield(path.String()) {
				return
			}
			path.WriteByte('/')
			path.WriteString(f.spelling(r.segment(i), d.segment(i)))
		}
		yield(path.String())
	}
}

// segment is the i-th segment of p, "*" where p has ended in "**".
func (p Pattern) segment(i int) string {
	if i < len(p.segments) {
		return p.segments[i]
	}
	return anySegment
}

// spelling is a segment that d's covers, and r's once folded.
func (f *folding) spelling(r, d string) string {
	switch {
	case d != anySegment:
		return d
	case r != anySegment:
		return f.respell(r)
	}
	return f.filler
}

// respell gives literal in a case that no rule has. If there is none, it gives one that a rule has, and a gap may go
// unnoticed: rules would need the literal in as many cases as it has letters. Without letters it gives literal.
func (f *folding) respell(literal string) string {
	other := literal
	for i, r := range literal {
		respelled := literal[:i] + string(swapCase(r)) + literal[i+len(string(r)):]
		switch {
		case respelled == literal || foldCase(respelled) != foldCase(literal):
		case !f.spelled[respelled]:
			return respelled
		default:
			other = respelled
		}
	}
	return other
}

// gap tells whether the path is decided by something that requires less than r, although r is most specific
// for it once case is folded.
func (f *folding) gap(r, folded *rule, path string) (message string, found bool) {
	decider := f.table.find(path)
	if !f.isLooser(decider, r) || f.hasMoreSpecific(folded, path) {
		return "", false
	}
	method, required, wanted, _ := difference(decider, r, requiresLess)
	by := fmt.Sprintf("by %q", decider.row.Pattern)
	if decider.row.Pattern == "" {
		by = "by default"
	}
	return fmt.Sprintf("%q requires %v of %s, but in other letter case, as in %s, it requires only %v, %s: "+
		"see that no upstream ignores case, or let that require as much",
		r.row.Pattern, wanted, methodWord(method), escape(path, ""), required, by), true
}

// hasMoreSpecific reports whether, once case is folded, a rule more specific than r covers the path.
func (f *folding) hasMoreSpecific(folded *rule, path string) bool {
	segments := strings.Split(foldCase(path), "/")[1:]
	more := false
	f.root.overlapping(segments, false, func(*node) bool { return false }, func(other *rule) {
		more = more || other.pattern.relation(folded.pattern) == MoreSpecific
	})
	return more
}

// foldCase gives the same string for two that differ in letter case only.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}

func swapCase(r rune) rune {
	if upper := unicode.ToUpper(r); upper != r {
		return upper
	}
	return unicode.ToLower(r)
}
