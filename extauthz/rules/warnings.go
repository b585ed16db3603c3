package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Warning is about a route that is legal and may surprise.
type Warning struct {
	Index   int // of the route
	Message string
}

// Warnings tells of methods that a broader pattern lists and a more specific one leaves to the default, and of
// paths where an upstream that folds letter case would see a stricter rule than keygate does.
func (t *Table) Warnings() []Warning {
	var found []Warning
	for _, r := range t.routes {
		for _, other := range t.routes {
			if r == other {
				continue
			}
			if w := t.hiddenMethods(r, other); w != "" {
				found = append(found, Warning{r.index, w})
			}
		}
		if w := t.foldedCase(r); w != "" {
			found = append(found, Warning{r.index, w})
		}
	}
	slices.SortStableFunc(found, func(a, b Warning) int { return a.Index - b.Index })
	return found
}

func (t *Table) hiddenMethods(r, broader *route) string {
	if relation, _ := r.pattern.Compare(broader.pattern); relation != MoreSpecific || r.hasAny {
		return ""
	}
	var hidden []string
	for _, method := range slices.Sorted(maps.Keys(broader.methods)) {
		if _, listed := r.requires(method); !listed && broader.methods[method] != t.byDefault {
			hidden = append(hidden, method)
		}
	}
	if len(hidden) == 0 {
		return ""
	}
	return fmt.Sprintf("%q does not list %s, which %q does: there the default decides (%s), not the broader pattern",
		r.pattern, strings.Join(hidden, ", "), broader.pattern, t.byDefault)
}

// foldedCase looks for a spelling of r's path in other letter case that a laxer rule gets. An upstream that folds case
// would serve r's path for it.
func (t *Table) foldedCase(r *route) string {
	for i, seg := range r.pattern.segments {
		swapped := swapCase(seg.literal)
		if swapped == seg.literal {
			continue
		}
		other := Pattern{segments: slices.Clone(r.pattern.segments), rest: r.pattern.rest}
		other.segments[i].literal = swapped
		spelling, _ := other.witness(other)
		if method, laxer := t.laxer(r, spelling); laxer != nil {
			was, _ := r.requires(method)
			is, _ := laxer.requires(method)
			return fmt.Sprintf("an upstream that folds letter case would serve %s as %q, but keygate requires %s of %s there, not %s",
				spelling, r.pattern, is, method, was)
		}
	}
	return ""
}

// laxer gives the route that decides spelling if it requires less than r of some method, and the method.
func (t *Table) laxer(r *route, spelling string) (string, *route) {
	path, err := ParsePath(spelling)
	if err != nil {
		return "", nil
	}
	found := t.find(path)
	if found == nil {
		found = &route{byAny: t.byDefault}
	}
	if found == r {
		return "", nil
	}
	for _, method := range methodsOf(r, found) {
		was, _ := r.requires(method)
		if is, _ := found.requires(method); is > was {
			return method, found
		}
	}
	return "", nil
}

func swapCase(s string) string {
	return strings.Map(func(c rune) rune {
		if upper := unicode.ToUpper(c); upper != c {
			return upper
		}
		return unicode.ToLower(c)
	}, s)
}
