package rules

import (
	"fmt"
	"strings"
	"testing"
)

func TestNothingIsAllocated(t *testing.T) {
	table := mustTable(t, append(numbered(1000, "/v1/r%d/{id}/**"), example...), Full)
	targets := []string{"/", "/v1/r7/8/9/10?q=%zz", "/v1/documents/7/", "/nowhere", "/v1/r7", "/healthz"}
	for _, target := range targets {
		path := mustPath(t, target)
		if n := testing.AllocsPerRun(100, func() { _, _ = ParsePath(target) }); n != 0 {
			t.Errorf("ParsePath(%q) allocates %v times", target, n)
		}
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PURGE"} {
			if n := testing.AllocsPerRun(100, func() { table.Match(method, path) }); n != 0 {
				t.Errorf("Match(%s %s) allocates %v times", method, target, n)
			}
		}
	}
}

// countVisits counts the nodes that a match of the path visits.
func countVisits(table *Table, path Path) int {
	visits := 0
	testingOnlyVisit = func() { visits++ }
	defer func() { testingOnlyVisit = nil }()
	table.Match("GET", path)
	return visits
}

// TestRulesThatAgreeNeedNoWayBack: all 2^d rules of d segments that are "a" or "*" each. What "a" cannot answer, "*"
// cannot, so no step is taken twice, with 8 192 rules as with two.
func TestRulesThatAgreeNeedNoWayBack(t *testing.T) {
	for levels := 1; levels <= 13; levels++ {
		table := mustTable(t, combinations(levels, ""), Full)
		if bound := table.root.visits(); bound != levels+1 {
			t.Errorf("%d levels: a bound of %d", levels, bound)
		}
		for _, tail := range []string{"", "/", "/a", "/z/z"} {
			if visits := countVisits(table, mustPath(t, long(levels, "/a")+tail)); visits > levels+1 {
				t.Errorf("%d levels, then %q: %d visits", levels, tail, visits)
			}
		}
	}
}

// combinations gives a rule for each way to have "a" or "*" on every level, with the end after it, formatted with the
// rule's number if it has a verb for it.
func combinations(levels int, end string) []Route {
	routes := make([]Route, 0, 1<<levels)
	for i := range 1 << levels {
		var pattern strings.Builder
		for level := range levels {
			pattern.WriteString([]string{"/a", "/*"}[i>>level&1])
		}
		if strings.Contains(end, "%d") {
			fmt.Fprintf(&pattern, end, i)
		} else {
			pattern.WriteString(end)
		}
		routes = append(routes, Route{pattern.String(), methods{"GET": Read}})
	}
	return routes
}

// TestBacktrackingIsBounded: rules that each want an end of their own after literals and "*" are refused before a path
// could make a match slow, and the bound that New computes is never passed.
func TestBacktrackingIsBounded(t *testing.T) {
	for levels := range 13 {
		table, err := New(combinations(levels, "/end%d"), Full)
		if want := 3<<levels-1 <= maxVisits; (err == nil) != want {
			t.Fatalf("%d levels: %v", levels, err)
		}
		if err != nil {
			continue
		}
		bound, worst := table.root.visits(), 0
		for _, path := range refPaths(min(levels+1, 6), "a", "z") {
			worst = max(worst, countVisits(table, mustPath(t, path)))
		}
		full := countVisits(table, mustPath(t, long(levels, "/a")+"/none"))
		if worst = max(worst, full); worst > bound || bound > maxVisits || full != 2<<levels-1 {
			t.Errorf("%d levels: %d visits, of which the path that fits most %d; bound %d", levels, worst, full, bound)
		}
	}
}

// TestVisitsAreBounded compares bound and count for all small rules, taken three at a time, and four that overlap.
func TestVisitsAreBounded(t *testing.T) {
	patterns := refPatterns(3, "a", "b")
	paths := mustPaths(t, refPaths(4, "a", "b", "z"))
	for i := range patterns {
		var routes []Route
		for j := range 12 {
			routes = append(routes, Route{patterns[(i*7+j*(i+1))%len(patterns)], methods{"GET": Read}})
		}
		table, err := New(routes, Full)
		if err != nil {
			continue // one pattern twice
		}
		bound := table.root.visits()
		for _, path := range paths {
			if visits := countVisits(table, path); visits > bound {
				t.Errorf("%v: %s takes %d visits, more than %d", routes, path, visits, bound)
			}
		}
	}
}

func BenchmarkParsePath(b *testing.B) {
	for name, target := range map[string]string{
		"plain": "/v1/documents/7/pages/12?fields=a,b", "escaped": "/v1/documents/caf%C3%A9%20au%20lait/7",
		"refused": "/v1/documents/../members", "longest": "/" + long(4095, "a/") + "?",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ParsePath(target)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		table := mustTable(b, numbered(n, "/v1/r%d/{id}/**"), Full)
		benchmarkMatch(b, fmt.Sprint(n, " rules"), table, fmt.Sprintf("/v1/r%d/8/9", n/2))
	}
	benchmarkMatch(b, "8192 rules of a and star", mustTable(b, combinations(13, ""), Full), long(13, "/a")+"/z")
	benchmarkMatch(b, "as many visits as allowed", mustTable(b, combinations(8, "/end%d"), Full), long(8, "/a")+"/z")
}

func benchmarkMatch(b *testing.B, name string, table *Table, target string) {
	path := mustPath(b, target)
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.Match("GET", path)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for name, shape := range manyRules {
		routes := shape(10_000)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mustTable(b, routes, Full)
			}
		})
	}
}
