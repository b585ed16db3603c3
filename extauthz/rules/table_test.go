package rules

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

type methods = map[string]Requirement

// example is the configuration of the design, default full.
var example = []Route{
	{"/healthz", methods{"GET": Public}},
	{"/v1/**", methods{"GET": Read, "*": Full}},
	{"/v1/documents/**", methods{"GET": Read, "*": Write}},
	{"/v1/translations/**", methods{"GET": Read, "*": Write}},
	{"/v1/content/**", methods{"GET": Read, "*": Write}},
	{"/v1/workspace/**", methods{"GET": Read, "*": Full}},
	{"/v1/members/**", methods{"GET": Read, "*": Full}},
}

func mustTable(t testing.TB, routes []Route, byDefault Requirement) *Table {
	t.Helper()
	table, err := New(routes, byDefault)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMatch(t *testing.T) {
	table := mustTable(t, append(slices.Clone(example),
		Route{"/v1/documents/{id}/share", methods{"POST": Full}},
		Route{"/v1/documents/public", methods{"GET": Public, "HEAD": Deny}},
		Route{"/shut/**", methods{"*": Deny}},
		Route{"/shut/open", nil},
	), Full)
	for _, row := range []struct {
		method, target string
		want           Decision
	}{
		{"GET", "/healthz", Decision{"/healthz", Public, true, false}},
		{"GET", "/healthz/?probe", Decision{"/healthz", Public, true, false}},
		{"HEAD", "/healthz", Decision{"/healthz", Public, true, false}},
		{"POST", "/healthz", Decision{"/healthz", Full, false, true}},
		{"OPTIONS", "/healthz", Decision{"/healthz", Full, false, true}},
		{"GET", "/healthzz", Decision{"", Full, false, true}},
		{"GET", "/health", Decision{"", Full, false, true}},
		{"GET", "/healthz/x", Decision{"", Full, false, true}},
		{"GET", "/Healthz", Decision{"", Full, false, true}},
		{"GET", "/", Decision{"", Full, false, true}},
		{"GET", "/v1", Decision{"/v1/**", Read, true, false}},
		{"GET", "/v1/", Decision{"/v1/**", Read, true, false}},
		{"GET", "/v10", Decision{"", Full, false, true}},
		{"GET", "/v1x/documents", Decision{"", Full, false, true}},
		{"POST", "/v1/documentsX", Decision{"/v1/**", Full, false, false}},
		{"POST", "/v1/documents.bak", Decision{"/v1/**", Full, false, false}},
		{"POST", "/v1/documents", Decision{"/v1/documents/**", Write, false, false}},
		{"PURGE", "/v1/documents/7/", Decision{"/v1/documents/**", Write, false, false}},
		{"POST", "/v1/documents/7/share", Decision{"/v1/documents/{id}/share", Full, true, false}},
		{"POST", "/v1/documents/7/share/", Decision{"/v1/documents/{id}/share", Full, true, false}},
		{"POST", "/v1/documents/7/share/8", Decision{"/v1/documents/**", Write, false, false}},
		{"POST", "/v1/documents//share"[:13], Decision{"/v1/documents/**", Write, false, false}},
		{"GET", "/v1/documents/7/share", Decision{"/v1/documents/{id}/share", Full, false, true}},
		{"HEAD", "/v1/documents/7", Decision{"/v1/documents/**", Read, true, false}},
		{"HEAD", "/v1/documents/public", Decision{"/v1/documents/public", Deny, true, false}},
		{"GET", "/v1/documents/public", Decision{"/v1/documents/public", Public, true, false}},
		{"GET", "/v1/documents/publi%C4%8D", Decision{"/v1/documents/**", Read, true, false}},
		{"GET", "/shut", Decision{"/shut/**", Deny, false, false}},
		{"GET", "/shut/open", Decision{"/shut/open", Full, false, true}},
	} {
		if got := table.Match(row.method, mustPath(t, row.target)); got != row.want {
			t.Errorf("%s %s: %+v, want %+v", row.method, row.target, got, row.want)
		}
	}
}

func TestMatchDeniesTheZeroPath(t *testing.T) {
	table := mustTable(t, []Route{{"/**", methods{"*": Public}}}, Full)
	if got := table.Match("GET", Path{}); got != (Decision{FromDefault: true}) || got.Required != Deny {
		t.Errorf("%+v", got)
	}
}

func TestNewWantsADefaultThatIsStrict(t *testing.T) {
	for _, byDefault := range []Requirement{Public, Read, Write, 9} {
		if table, err := New(nil, byDefault); err == nil || table != nil {
			t.Errorf("default %v accepted", byDefault)
		}
	}
	for _, byDefault := range []Requirement{Full, Deny} {
		if table := mustTable(t, nil, byDefault); table.Default() != byDefault {
			t.Errorf("default %v is %v", byDefault, table.Default())
		}
	}
}

// TestNewReportsEveryProblem puts one problem of each kind into one list of routes.
func TestNewReportsEveryProblem(t *testing.T) {
	table, err := New([]Route{
		0: {"/a/*", methods{"GET": Read}},
		1: {"/a/{id}/", methods{"GET": Read}},
		2: {"/b/**/c", methods{"GTE": Read, "get": Read, "": Full}},
		3: {"/c", methods{"GET": 7, "*": Read}},
		4: {"/*/b", methods{"GET": Read, "HEAD": Full}},
		5: {"/a/*", nil},
		6: {"/d", methods{"*": Public, "POST": Full}},
	}, Read)
	var got []string
	for _, problem := range parts(err) {
		var route *RouteError
		var conflict *ConflictError
		switch {
		case errors.As(problem, &route):
			got = append(got, fmt.Sprintf("%d %s %s", route.Index, route.Method, problem))
		case errors.As(problem, &conflict):
			got = append(got, fmt.Sprintf("%d %d %s", conflict.A, conflict.B, problem))
		default:
			got = append(got, problem.Error())
		}
	}
	want := []string{
		`the default must be full or deny, not read`,
		`1  route "/a/{id}/": covers the same paths as route "/a/*"`,
		`2  route "/b/**/c": pattern "/b/**/c": byte 5: nothing may follow "**"`,
		`2  route "/b/**/c": the method must be "*" or 1 to 32 letters A-Z and hyphens, the first a letter, not ""`,
		`2 get route "/b/**/c": the method must be "*" or 1 to 32 letters A-Z and hyphens, the first a letter, not "get"`,
		`3 GET route "/c": method "GET": unknown requirement(7)`,
		`5  route "/a/*": covers the same paths as route "/a/*"`,
		`0 4 routes "/a/*" and "/*/b" both cover /a/b and neither is more specific, but HEAD requires read by the first and full by the second`,
	}
	if table != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", table, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 5 {
		t.Errorf("no SyntaxError in %v", err)
	}
}

// TestConflictMethods: what counts is what rules require of a method, not how they say it.
func TestConflictMethods(t *testing.T) {
	for _, row := range []struct {
		a, b methods
		want string
	}{
		{methods{"GET": Read}, methods{"GET": Read, "HEAD": Read}, ""},
		{methods{"GET": Read}, methods{"GET": Read, "*": Full}, ""},
		{methods{"GET": Read, "*": Full}, methods{"GET": Read, "POST": Full, "DELETE": Full}, ""},
		{methods{"*": Full}, nil, ""},
		{nil, nil, ""},
		{methods{"GET": Read}, methods{"GET": Read, "HEAD": Write}, "HEAD read write"},
		{methods{"GET": Read}, methods{"GET": Write}, "GET read write"},
		{methods{"GET": Read}, nil, "GET read full"},
		{methods{"HEAD": Read}, nil, "HEAD read full"},
		{methods{"*": Write}, nil, "* write full"},
		{methods{"*": Write}, methods{"POST": Write}, "* write full"},
		{methods{"*": Write, "POST": Full, "ZAP": Read}, methods{"*": Write, "ZAP": Full}, "POST full write"},
	} {
		_, err := New([]Route{{"/a/*", row.a}, {"/*/b", row.b}}, Full)
		got := ""
		var conflict *ConflictError
		if errors.As(err, &conflict) {
			got = fmt.Sprint(conflict.Method, " ", conflict.RequirementA, " ", conflict.RequirementB)
		}
		if got != row.want {
			t.Errorf("%v and %v: %q, want %q", row.a, row.b, got, row.want)
		}
	}
	_, err := New([]Route{{"/a/*", methods{"*": Write}}, {"/*/b", nil}}, Full)
	if err == nil || !strings.Contains(err.Error(), "any other method requires write") {
		t.Errorf("%v", err)
	}
}

func TestConflictsAreBounded(t *testing.T) {
	var routes []Route
	for i := range 100 {
		routes = append(routes, Route{fmt.Sprintf("/a%d/*", i), methods{"*": Read}}, Route{fmt.Sprintf("/*/b%d", i), nil})
	}
	_, err := New(routes, Full)
	_, again := New(routes, Full)
	if got := len(parts(err)); got != maxConflicts+1 || err.Error() != again.Error() {
		t.Errorf("%d problems", got)
	}
}

// TestTablesKeepNothingOfTheirInput: changing the routes, or the rows, afterwards changes no decision.
func TestTablesKeepNothingOfTheirInput(t *testing.T) {
	routes := []Route{{"/b", methods{"POST": Full, "*": Deny, "GET": Read}}, {"/a", nil}}
	table := mustTable(t, routes, Deny)
	want := []Row{{"/a", []MethodRequirement{}}, {"/b", []MethodRequirement{{"GET", Read}, {"POST", Full}, {"*", Deny}}}}
	routes[0].Methods["GET"] = Public
	table.Rows()[1].Methods[0].Requirement = Public
	if got := table.Rows(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if got := table.Match("GET", mustPath(t, "/b")); got.Required != Read {
		t.Errorf("%+v", got)
	}
}

// TestOrderMeansNothing shuffles a table of many kinds of rules and compares every decision and warning.
func TestOrderMeansNothing(t *testing.T) {
	routes := append(slices.Clone(example),
		Route{"/a/*/c", methods{"GET": Read}}, Route{"/*/b/c", methods{"GET": Read, "HEAD": Read, "*": Full}},
		Route{"/a/**", methods{"GET": Read}}, Route{"/**", methods{"POST": Write}},
		Route{"/a/b/**", methods{"GET": Read}}, Route{"/A/b", methods{"GET": Full}})
	paths := mustPaths(t, refPaths(4, "a", "b", "c", "v1", "documents", "z"))
	first := mustTable(t, routes, Full)
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		random.Shuffle(len(routes), func(i, j int) { routes[i], routes[j] = routes[j], routes[i] })
		table := mustTable(t, routes, Full)
		for _, path := range paths {
			if got, want := table.Match("HEAD", path), first.Match("HEAD", path); got != want {
				t.Fatalf("%v: %+v or %+v", path, got, want)
			}
		}
		if got, want := messages(table), messages(first); !slices.Equal(got, want) {
			t.Fatalf("%q or %q", got, want)
		}
	}
}

func messages(table *Table) []string {
	var all []string
	for _, w := range table.Warnings() {
		all = append(all, w.Message)
	}
	slices.Sort(all)
	return all
}

// TestManyRules builds tables of 10 000 rules of several shapes and finds each rule again. The bound is on work
// done and not on time: a table that took pairs apart one by one would run into the test's own timeout.
func TestManyRules(t *testing.T) {
	for name, shape := range manyRules {
		routes := shape(10_000)
		start := time.Now()
		table := mustTable(t, routes, Full)
		built := time.Since(start)
		warnings := len(table.Warnings())
		t.Logf("%s: built in %v, with %d warnings in %v", name, built, warnings, time.Since(start))
		for _, route := range routes {
			path := mustPath(t, strings.ReplaceAll(strings.ReplaceAll(route.Pattern, "/**", "/y/y/y/y"), "*", "y"))
			if got := table.Match("GET", path); got.Rule != route.Pattern {
				t.Fatalf("%s: %s by %s, want %s", name, path, got.Rule, route.Pattern)
			}
		}
	}
}

// manyRules are shapes of large rule sets, none with a conflict.
var manyRules = map[string]func(n int) []Route{
	"flat":       func(n int) []Route { return numbered(n, "/v1/r%d/**") },
	"parameters": func(n int) []Route { return numbered(n, "/v1/r%d/*/sub/*") },
	"star first": func(n int) []Route { return numbered(n, "/*/r%d") },
	"crossed": func(n int) []Route {
		return append(numbered(n/2, "/*/r%d/**"), numbered(n/2, "/a%d/*/*")...)
	},
	"side by side": func(n int) []Route {
		routes := numbered(n/2, "/v1/*/r%d")
		for i := range n / 2 {
			routes = append(routes, Route{fmt.Sprintf("/v1/a%d/c", i), methods{"*": Full}})
		}
		return routes
	},
	"nested": func(n int) []Route {
		var routes []Route
		for i := range n {
			routes = append(routes, Route{fmt.Sprintf("/a%d%s/**", i/100, strings.Repeat("/b", i%100)), methods{"GET": Requirement(1 + i%4)}})
		}
		return routes
	},
}

func numbered(n int, format string) []Route {
	routes := make([]Route, n)
	for i := range routes {
		routes[i] = Route{fmt.Sprintf(format, i), methods{"GET": Read, "*": Write}}
	}
	return routes
}
