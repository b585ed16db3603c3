package rules

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// The reference: what the package comment and Pattern promise, in the most obvious words. It works on lists of
// segments and compares patterns by listing the paths of each. It shares no code with what it judges.

type refRule struct {
	pattern string
	methods map[string]Requirement
}

// refSegments cuts "/a/b" or "/a/b/" into its segments.
func refSegments(text string) []string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/")
	if text == "" {
		return nil
	}
	return strings.Split(text, "/")
}

func refCovers(pattern, path []string) bool {
	switch {
	case len(pattern) > 0 && pattern[0] == "**":
		return true
	case len(pattern) == 0 || len(path) == 0:
		return len(pattern) == len(path)
	}
	return (pattern[0] == "*" || pattern[0] == path[0]) && refCovers(pattern[1:], path[1:])
}

// refPaths lists every path of at most depth segments from an alphabet.
func refPaths(depth int, alphabet ...string) []string {
	paths, level := []string{"/"}, []string{""}
	for range depth {
		var next []string
		for _, path := range level {
			for _, segment := range alphabet {
				next = append(next, path+"/"+segment)
			}
		}
		paths, level = append(paths, next...), next
	}
	return paths
}

// refPatterns lists every pattern of at most depth segments, "**" counted, from the literals and wildcards.
func refPatterns(depth int, literals ...string) []string {
	var patterns []string
	for _, path := range refPaths(depth, append(slices.Clone(literals), "*")...) {
		patterns = append(patterns, path)
		if len(refSegments(path)) < depth {
			patterns = append(patterns, strings.TrimSuffix(path, "/")+"/**")
		}
	}
	return patterns
}

// refWorld is a list of paths, with the answer to "which of them does this pattern cover".
type refWorld struct {
	paths  []string
	covers map[string][]bool
}

func newRefWorld(paths, patterns []string) *refWorld {
	w := &refWorld{paths, make(map[string][]bool)}
	for _, pattern := range patterns {
		for _, path := range paths {
			w.covers[pattern] = append(w.covers[pattern], refCovers(refSegments(pattern), refSegments(path)))
		}
	}
	return w
}

func (w *refWorld) relation(p, q string) Relation {
	var both, onlyP, onlyQ bool
	for i := range w.paths {
		inP, inQ := w.covers[p][i], w.covers[q][i]
		both, onlyP, onlyQ = both || inP && inQ, onlyP || inP && !inQ, onlyQ || inQ && !inP
	}
	switch {
	case !both:
		return Disjoint
	case !onlyP && !onlyQ:
		return Equal
	case !onlyP:
		return MoreSpecific
	case !onlyQ:
		return LessSpecific
	}
	return Overlapping
}

// refRequire is one rule's word on a method, and whether it came from the default.
func (r refRule) require(method string, byDefault Requirement) (required Requirement, listed, fromDefault bool) {
	if required, has := r.methods[method]; has {
		return required, true, false
	}
	if required, has := r.methods["GET"]; has && method == "HEAD" {
		return required, true, false
	}
	if required, has := r.methods["*"]; has {
		return required, false, false
	}
	return byDefault, false, true
}

// refMethods are all kinds of method that the tests' rules can tell apart.
var refMethods = []string{"GET", "HEAD", "POST", "OPTIONS", "OTHER"}

func refDiffer(a, b refRule, byDefault Requirement) bool {
	return slices.ContainsFunc(refMethods, func(method string) bool {
		x, _, _ := a.require(method, byDefault)
		y, _, _ := b.require(method, byDefault)
		return x != y
	})
}

// refRandomRules gives each pattern requirements; often the same for several, so that overlaps are legal.
func refRandomRules(random *rand.Rand, patterns ...string) []refRule {
	var rules []refRule
	for _, pattern := range patterns {
		methods := refRandomMethods(random)
		if len(rules) > 0 && random.IntN(2) == 0 {
			methods = rules[random.IntN(len(rules))].methods
		}
		rules = append(rules, refRule{pattern, methods})
	}
	return rules
}

func refRandomMethods(random *rand.Rand) map[string]Requirement {
	methods := make(map[string]Requirement)
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "*"} {
		if random.IntN(2) == 0 {
			methods[method] = []Requirement{Full, Read, Public, Deny, Write}[random.IntN(5)]
		}
	}
	return methods
}

func refRoutes(rules []refRule) []Route {
	var routes []Route
	for _, r := range rules {
		routes = append(routes, Route{r.pattern, r.methods})
	}
	return routes
}

// permutations gives every order of rules.
func permutations(rules []refRule) [][]refRule {
	if len(rules) < 2 {
		return [][]refRule{rules}
	}
	var all [][]refRule
	for i := range rules {
		rest := slices.Delete(slices.Clone(rules), i, i+1)
		for _, order := range permutations(rest) {
			all = append(all, append([]refRule{rules[i]}, order...))
		}
	}
	return all
}
