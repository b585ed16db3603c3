package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Warning is something that is allowed and likely not meant.
type Warning struct {
	Index   int    // of the route, as given to New
	Message string // a sentence that names the patterns
}

// Warnings gives, sorted by route, what an operator should look at:
//
//   - a rule without "*" does not list a method that a broader rule decides, and the default decides it
//     differently;
//   - a path in other letter case than a rule's requires less than the rule: an upstream that ignores case would
//     serve what the rule protects. At most once a rule.
//
// It is for check-config and for loading, not for requests: it looks at pairs of rules.
func (t *Table) Warnings() []Warning {
	var warnings []Warning
	folds := newFolding(t)
	for i, r := range t.rules {
		for _, message := range t.unlisted(r) {
			warnings = append(warnings, Warning{r.index, message})
		}
		if message, found := folds.loosened(i); found {
			warnings = append(warnings, Warning{r.index, message})
		}
	}
	return warnings
}

// unlisted warns of methods that r leaves to the default although broader rules list them, one message for
// each broader rule. A method counts for the most specific of them that lists it, itself or through "*", and only
// if that makes a difference.
func (t *Table) unlisted(r *rule) []string {
	if !r.othersByDefault {
		return nil
	}
	broader := t.broader(r)
	missing := make(map[*rule][]string)
	for _, method := range methodsOf(broader) {
		if _, listed := r.listed[method]; listed {
			continue
		}
		if b := firstWith(broader, method); b != nil && b.decide(method).Required != t.byDefault {
			missing[b] = append(missing[b], method)
		}
	}
	var messages []string
	for _, b := range broader {
		if len(missing[b]) > 0 {
			messages = append(messages, t.unlistedMessage(r, b, missing[b]))
		}
	}
	return messages
}

// broader gives the rules that cover all paths of r, and others, the most specific first.
func (t *Table) broader(r *rule) []*rule {
	var found []*rule
	t.root.covering(r.pattern, func(b *rule) {
		if b != r {
			found = append(found, b)
		}
	})
	return found
}

// covering calls visit with every rule that covers all paths of p, in the order in which find would come upon
// them.
func (n *node) covering(p Pattern, visit func(*rule)) {
	switch {
	case n == nil:
		return
	case len(p.segments) == 0:
		if n.exact != nil && !p.deep {
			visit(n.exact)
		}
	default:
		rest := Pattern{segments: p.segments[1:], deep: p.deep}
		if segment := p.segments[0]; segment != anySegment {
			n.literals[segment].covering(rest, visit)
		}
		n.any.covering(rest, visit)
	}
	if n.deep != nil {
		visit(n.deep)
	}
}

// methodsOf gives all methods that some of the rules list, and "*", in the order of compareMethods.
func methodsOf(rules []*rule) []string {
	methods := []string{otherMethods}
	for _, r := range rules {
		for method := range r.listed {
			methods = append(methods, method)
		}
	}
	slices.SortFunc(methods, compareMethods)
	return slices.Compact(methods)
}

// firstWith is the first rule that does not leave the method to the default.
func firstWith(rules []*rule, method string) *rule {
	i := slices.IndexFunc(rules, func(r *rule) bool { return !r.decide(method).FromDefault })
	if i < 0 {
		return nil
	}
	return rules[i]
}

func (t *Table) unlistedMessage(r, broader *rule, methods []string) string {
	var said []string
	for _, method := range methods {
		required := broader.decide(method).Required
		if method == "HEAD" && slices.Contains(methods, "GET") && required == broader.decide("GET").Required {
			continue // it follows GET, and would be one thing more to read
		}
		said = append(said, fmt.Sprintf("%s (%v)", methodWord(method), required))
	}
	return fmt.Sprintf("%q does not list %s as the broader %q does: there the default (%v) decides, never a broader rule",
		r.row.Pattern, strings.Join(said, ", "), broader.row.Pattern, t.byDefault)
}

// byPattern sorts rules so that nothing depends on their order in the file.
func byPattern(a, b *rule) int { return cmp.Compare(a.row.Pattern, b.row.Pattern) }
