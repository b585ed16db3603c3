package rules

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestExampleIsQuiet(t *testing.T) {
	if warnings := mustTable(t, example, Full).Warnings(); len(warnings) > 0 {
		t.Errorf("%v", warnings)
	}
}

// TestUnlistedMethods: what a rule leaves to the default although broader rules would decide otherwise.
func TestUnlistedMethods(t *testing.T) {
	for _, row := range []struct {
		name      string
		routes    []Route
		byDefault Requirement
		want      []string
	}{
		{"listed by the broader", []Route{{"/a/**", methods{"GET": Read, "POST": Write}}, {"/a/b", methods{"GET": Read}}}, Full,
			[]string{`1 "/a/b" does not list POST (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"the broader comes second", []Route{{"/a/b", methods{"GET": Read}}, {"/a/**", methods{"GET": Read, "POST": Write}}}, Full,
			[]string{`0 "/a/b" does not list POST (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"by its star", []Route{{"/a/**", methods{"*": Deny}}, {"/a/b", methods{"GET": Read}}}, Full,
			[]string{`1 "/a/b" does not list any other method (deny) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"HEAD goes with GET", []Route{{"/a/**", methods{"GET": Read}}, {"/a/b", methods{"POST": Write}}}, Full,
			[]string{`1 "/a/b" does not list GET (read) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"HEAD alone", []Route{{"/a/**", methods{"HEAD": Read}}, {"/a/b", methods{"POST": Write}}}, Full,
			[]string{`1 "/a/b" does not list HEAD (read) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"HEAD by GET", []Route{{"/a/**", methods{"HEAD": Read}}, {"/a/b", methods{"GET": Write}}}, Full, nil},
		{"no difference", []Route{{"/a/**", methods{"GET": Full}}, {"/a/b", methods{"POST": Write}}}, Full, nil},
		{"the star takes all", []Route{{"/a/**", methods{"GET": Read}}, {"/a/b", methods{"*": Write}}}, Full, nil},
		{"not broader", []Route{{"/a/*", methods{"GET": Read}}, {"/a/b/c", methods{"*": Full}}, {"/c", methods{"GET": Read}}}, Full, nil},
		{"the nearest says it", []Route{{"/**", methods{"POST": Read}}, {"/a/**", methods{"POST": Write}}, {"/a/*", methods{"GET": Read}}}, Full,
			[]string{`2 "/a/*" does not list POST (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"the nearest's star says it", []Route{{"/**", methods{"POST": Read}}, {"/a/**", methods{"*": Full}}, {"/a/*", methods{"GET": Read}}}, Full, nil},
		{"each its own", []Route{{"/**", methods{"POST": Read}}, {"/a/**", methods{"POST": Read, "PUT": Write}}, {"/a/*", methods{"GET": Read}}}, Full,
			[]string{`2 "/a/*" does not list POST (read), PUT (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`}},
		{"past one that does not", []Route{{"/**", methods{"PUT": Write}}, {"/a/**", methods{"POST": Read, "PUT": Write}}, {"/a/b/**", methods{"POST": Read}}, {"/a/b/c", methods{"POST": Read}}}, Full,
			[]string{
				`2 "/a/b/**" does not list PUT (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`,
				`3 "/a/b/c" does not list PUT (write) as the broader "/a/**" does: there the default (full) decides, never a broader rule`,
			}},
		{"narrower at the same place", []Route{{"/a", methods{"GET": Read, "POST": Write}}, {"/a/**", methods{"GET": Read}}}, Full, nil},
		{"two of them", []Route{{"/**", methods{"POST": Read, "PUT": Write}}, {"/a/**", methods{"PUT": Write}}, {"/a/*", methods{"*": Read}}}, Full,
			[]string{`1 "/a/**" does not list POST (read) as the broader "/**" does: there the default (full) decides, never a broader rule`}},
	} {
		var got []string
		for _, w := range mustTable(t, row.routes, row.byDefault).Warnings() {
			if !strings.Contains(w.Message, "letter case") {
				got = append(got, fmt.Sprint(w.Index, " ", w.Message))
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s:\n%s\nwant\n%s", row.name, strings.Join(got, "\n"), strings.Join(row.want, "\n"))
		}
	}
}

// caseMessage takes the warning about letter case apart: rule, its requirement, method, spelling, what that gets.
var caseMessage = regexp.MustCompile(`^"(.+)" requires (\w+) of (\S+|any other method), but in other letter case, as in (\S+), it requires only (\w+), by (?:"(.+)"|default): `)

// TestLetterCase: each kind of gap that folding opens, and that the warning tells the truth about it.
func TestLetterCase(t *testing.T) {
	for _, row := range []struct {
		name   string
		routes []Route
		want   []int // the routes warned of
	}{
		{"falls to a broader rule", []Route{{"/v1/**", methods{"GET": Read, "*": Read}}, {"/v1/keys/**", methods{"*": Full}}}, []int{1}},
		{"falls to the default", []Route{{"/keys", methods{"*": Deny}}}, []int{0}},
		{"one method", []Route{{"/**", methods{"GET": Read, "*": Full}}, {"/a", methods{"*": Full}}}, []int{1}},
		{"a twin", []Route{{"/Admin", methods{"*": Public}}, {"/admin", methods{"*": Full}}}, []int{1}},
		{"a twin in mixed case", []Route{{"/aDmIn/x", methods{"*": Public}}, {"/admin/x", methods{"*": Full}}}, []int{1}},
		{"two segments at once", []Route{{"/*/*", methods{"*": Public}}, {"/a/*", methods{"*": Full}}, {"/*/b", methods{"*": Full}}}, []int{1, 2}},
		{"a longer path", []Route{{"/**", methods{"*": Public}}, {"/*", methods{"*": Full}}, {"/*/*", methods{"*": Full}}, {"/a/**", methods{"*": Full}}}, []int{3}},
		{"rules that cross once folded", []Route{{"/users/*/keys", methods{"*": Full}}, {"/Users/me/*", methods{"*": Read}}}, []int{0}},
		{"the same from the other side", []Route{{"/users/me/*", methods{"*": Full}}, {"/Users/*/keys", methods{"*": Read}}}, []int{0}},
		{"the only other spelling is taken", []Route{{"/A/**", methods{"*": Deny}}, {"/a/a", methods{"*": Full}}}, []int{0}},
		{"a spelling that no rule has", []Route{{"/**", methods{"*": Public}}, {"/keys", methods{"*": Full}}, {"/Keys", methods{"*": Full}}}, []int{1, 2}},
		{"not ASCII", []Route{{"/**", methods{"*": Public}}, {"/é", methods{"*": Full}}}, []int{1}},
		{"escaped", []Route{{"/**", methods{"*": Public}}, {"/a%20b", methods{"*": Full}}}, []int{1}},
		{"every spelling is stricter", []Route{{"/a", methods{"*": Public}}, {"/b/**", methods{"GET": Read}}}, nil},
		{"no letters", []Route{{"/**", methods{"*": Public}}, {"/1/2-3", methods{"*": Full}}}, nil},
		{"only wildcards", []Route{{"/**", methods{"*": Public}}, {"/*", methods{"*": Full}}}, nil},
	} {
		table := mustTable(t, row.routes, Full)
		var got []int
		for _, w := range table.Warnings() {
			got = append(got, w.Index)
			checkCaseWarning(t, table, row.routes, w)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: warnings about %v, want %v: %v", row.name, got, row.want, table.Warnings())
		}
	}
}

// checkCaseWarning sends what the warning names: the spelling must get the laxer requirement, by the rule it says.
func checkCaseWarning(t *testing.T, table *Table, routes []Route, w Warning) {
	t.Helper()
	said := caseMessage.FindStringSubmatch(w.Message)
	if said == nil {
		t.Fatalf("unexpected message %q", w.Message)
	}
	method := strings.Replace(said[3], "any other method", "OTHER", 1)
	strict, _ := ParseRequirement(said[2])
	lax, _ := ParseRequirement(said[5])
	if got := table.Match(method, mustPath(t, said[4])); got.Required != lax || got.Rule != said[6] || lax <= strict {
		t.Errorf("%s: %s %s is %+v", w.Message, method, said[4], got)
	}
	if own, _, _ := (refRule{routes[w.Index].Pattern, routes[w.Index].Methods}).require(method, table.Default()); own != strict || said[1] != routes[w.Index].Pattern {
		t.Errorf("%s: the rule requires %v", w.Message, own)
	}
	folded := strings.ToLower(mustPath(t, said[4]).String())
	if !refCovers(refSegments(strings.ToLower(mustPath(t, uncover(said[1])).String())), refSegments(folded)) {
		t.Errorf("%s: %s is not the rule's path in another case", w.Message, said[4])
	}
}

// uncover makes a pattern of these tests readable as a path, which leaves "*" and "**" as they are.
func uncover(pattern string) string {
	var path strings.Builder
	for i := range len(pattern) {
		if pattern[i] >= 0x80 {
			fmt.Fprintf(&path, "%%%02X", pattern[i])
		} else {
			path.WriteByte(pattern[i])
		}
	}
	return path.String()
}

// TestLetterCaseIsComplete compares the warnings with a search through all paths, for all pairs of patterns of two
// segments over a literal in two of its cases, many triples, and many pairs of three segments.
func TestLetterCaseIsComplete(t *testing.T) {
	patterns := refPatterns(2, "aa", "AA", "b")
	search := newCaseSearch(t, 2)
	for i, p := range patterns {
		for _, q := range patterns[i+1:] {
			search.compare(p, q)
			for range 3 {
				search.compare(p, q, patterns[search.random.IntN(len(patterns))])
			}
		}
	}
	longer := refPatterns(3, "aa", "AA", "b")
	deeper := newCaseSearch(t, 3)
	for range 400 {
		deeper.compare(longer[deeper.random.IntN(len(longer))], longer[deeper.random.IntN(len(longer))])
	}
	if search.warned < 100 || search.quiet < 100 || deeper.warned < 100 {
		t.Errorf("%d and %d warnings, %d without: too one-sided", search.warned, deeper.warned, search.quiet)
	}
}

func newCaseSearch(t *testing.T, depth int) *caseSearch {
	folded := newRefWorld(refPaths(depth+1, "aa", "b", "z"), refPatterns(depth, "aa", "b"))
	paths := mustPaths(t, refPaths(depth+1, "aa", "AA", "Aa", "b", "B", "z"))
	return &caseSearch{T: t, random: rand.New(rand.NewPCG(5, 6)), paths: paths, folded: folded}
}

type caseSearch struct {
	*testing.T
	random        *rand.Rand
	paths         []Path
	folded        *refWorld // of patterns and paths in lower case
	warned, quiet int
}

func (s *caseSearch) compare(patterns ...string) {
	rules := refRandomRules(s.random, patterns...)
	table, err := New(refRoutes(rules), Full)
	if err != nil {
		return // a conflict, or one pattern twice
	}
	warned := make(map[int]bool)
	for _, w := range table.Warnings() {
		if strings.Contains(w.Message, "letter case") {
			warned[w.Index] = true
			checkCaseWarning(s.T, table, refRoutes(rules), w)
		}
	}
	for i := range rules {
		gap := s.gap(table, rules, i)
		if gap != "" {
			s.warned++
		} else {
			s.quiet++
		}
		if warned[i] != (gap != "") {
			s.Fatalf("%v: warned of rule %d: %v; the gap is %q", rules, i, warned[i], gap)
		}
	}
}

// gap is a path that gets less than rule i requires, though rule i is the one for it if case makes no difference.
func (s *caseSearch) gap(table *Table, rules []refRule, i int) string {
	for _, path := range s.paths {
		if !s.minimal(rules, i, refSegments(strings.ToLower(path.String()))) {
			continue
		}
		for _, method := range refMethods {
			required, _, _ := rules[i].require(method, Full)
			if table.Match(method, path).Required > required {
				return path.String()
			}
		}
	}
	return ""
}

// minimal: in lower case, rule i covers the path, and no rule that does is more specific.
func (s *caseSearch) minimal(rules []refRule, i int, path []string) bool {
	own := strings.ToLower(rules[i].pattern)
	for _, r := range rules {
		other := strings.ToLower(r.pattern)
		if refCovers(refSegments(other), path) && s.folded.relation(other, own) == MoreSpecific {
			return false
		}
	}
	return refCovers(refSegments(own), path)
}
