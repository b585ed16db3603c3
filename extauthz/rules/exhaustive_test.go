package rules

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// smallWorld holds all patterns of at most three segments over two literals, and all paths that they can tell
// apart: z is a segment that no pattern names, and a fourth segment is one more than any pattern looks at.
func smallWorld() (*refWorld, []string) {
	patterns := refPatterns(3, "a", "b")
	paths := refPaths(3, "a", "b", "z")
	for _, path := range paths {
		if len(refSegments(path)) == 3 {
			paths = append(paths, path+"/z")
		}
	}
	return newRefWorld(paths, patterns), patterns
}

func TestCompareIsSetInclusion(t *testing.T) {
	world, patterns := smallWorld()
	for _, p := range patterns {
		for _, q := range patterns {
			got, witness := mustPattern(t, p).Compare(mustPattern(t, q))
			if want := world.relation(p, q); got != want {
				t.Errorf("%s to %s: %v, want %v", p, q, got, want)
			}
			if got == Disjoint {
				if witness != "" {
					t.Errorf("%s and %s: witness %s for nothing shared", p, q, witness)
				}
				continue
			}
			shared := refSegments(mustPath(t, witness).String())
			if !refCovers(refSegments(p), shared) || !refCovers(refSegments(q), shared) {
				t.Errorf("%s and %s: witness %s is not in both", p, q, witness)
			}
		}
	}
}

// TestSmallTables compares New and Match with the reference: all sets of one, two and three small patterns, with
// random requirements, in every order, on every small path.
func TestSmallTables(t *testing.T) {
	world, patterns := smallWorld()
	check := &tableCheck{T: t, world: world, paths: mustPaths(t, world.paths), slashed: mustPaths(t, slashed(world.paths)), relations: make(map[[2]string]Relation)}
	random := rand.New(rand.NewPCG(1, 2))
	for i, p := range patterns {
		check.rules(refRandomRules(random, p))
		for j, q := range patterns[i+1:] {
			check.rules(refRandomRules(random, p, q))
			for k, r := range patterns[i+1+j+1:] {
				if testing.Short() && (i+j+k)%8 != 0 {
					continue
				}
				check.rules(refRandomRules(random, p, q, r))
			}
		}
	}
	if check.accepted < 500 || check.refused < 500 {
		t.Errorf("%d tables accepted and %d refused: too few of one kind", check.accepted, check.refused)
	}
}

func slashed(paths []string) []string {
	out := make([]string, len(paths))
	for i, path := range paths {
		out[i] = strings.TrimSuffix(path, "/") + "/"
	}
	return out
}

// TestSamePathsTwice: two patterns for the same paths are refused however they are written, and the later one is named.
func TestSamePathsTwice(t *testing.T) {
	_, patterns := smallWorld()
	for _, p := range patterns {
		twins := []string{p, strings.ReplaceAll(p, "*", "{id}")}
		if !strings.HasSuffix(p, "**") {
			twins = append(twins, strings.TrimSuffix(p, "/")+"/")
		}
		for _, twin := range twins {
			if strings.Count(twin, "{id}") > 1 {
				continue // also "**"
			}
			for _, routes := range [][]Route{{{p, methods{"GET": Read}}, {twin, methods{"GET": Read}}}, {{twin, nil}, {p, methods{"*": Full}}}} {
				_, err := New(append([]Route{{"/other/c/d/e", nil}}, routes...), Full)
				var route *RouteError
				if !errors.As(err, &route) || route.Index != 2 || len(parts(err)) != 1 || !strings.Contains(err.Error(), strconv.Quote(routes[0].Pattern)) {
					t.Errorf("%v: %v", routes, err)
				}
			}
		}
	}
}

type tableCheck struct {
	*testing.T
	world             *refWorld
	paths, slashed    []Path // slashed: with a slash at the end
	relations         map[[2]string]Relation
	accepted, refused int
}

func (c *tableCheck) relation(p, q string) Relation {
	key := [2]string{p, q}
	relation, known := c.relations[key]
	if !known {
		relation = c.world.relation(p, q)
		c.relations[key] = relation
	}
	return relation
}

func (c *tableCheck) rules(rules []refRule) {
	byDefault := Full
	if len(rules[0].methods)%2 == 0 {
		byDefault = Deny
	}
	var tables []*Table
	for _, order := range permutations(rules) {
		table, err := New(refRoutes(order), byDefault)
		c.conflicts(order, byDefault, err)
		if err == nil {
			tables = append(tables, table)
		}
	}
	if len(tables) == 0 {
		c.refused++
		return
	}
	c.accepted++
	c.decisions(rules, byDefault, tables)
}

// conflicts compares the pairs that New refuses with those that the reference finds.
func (c *tableCheck) conflicts(rules []refRule, byDefault Requirement, err error) {
	refused := make(map[[2]int]bool)
	for _, problem := range parts(err) {
		var conflict *ConflictError
		if !errors.As(problem, &conflict) {
			c.Fatalf("%v: %v", rules, problem)
		}
		refused[[2]int{conflict.A, conflict.B}] = true
		c.oneConflict(rules, byDefault, conflict)
	}
	for i, a := range rules {
		for j := i + 1; j < len(rules); j++ {
			want := c.relation(a.pattern, rules[j].pattern) == Overlapping && refDiffer(a, rules[j], byDefault)
			if refused[[2]int{i, j}] != want {
				c.Fatalf("%v: conflict of %d and %d: %v, want %v", rules, i, j, !want, want)
			}
		}
	}
}

func (c *tableCheck) oneConflict(rules []refRule, byDefault Requirement, conflict *ConflictError) {
	method := conflict.Method
	if method == "*" {
		method = "OTHER"
	}
	for _, side := range []struct {
		index    int
		pattern  string
		required Requirement
	}{{conflict.A, conflict.PatternA, conflict.RequirementA}, {conflict.B, conflict.PatternB, conflict.RequirementB}} {
		required, _, _ := rules[side.index].require(method, byDefault)
		if rules[side.index].pattern != side.pattern || required != side.required {
			c.Fatalf("%v: %+v has the wrong pattern or requirement", rules, conflict)
		}
		if !refCovers(refSegments(side.pattern), refSegments(conflict.Witness)) {
			c.Fatalf("%v: witness %s is not in %s", rules, conflict.Witness, side.pattern)
		}
	}
	if conflict.A >= conflict.B || conflict.RequirementA == conflict.RequirementB {
		c.Fatalf("%v: %+v is no conflict", rules, conflict)
	}
}

// decisions compares what the tables, which hold the same rules in different orders, decide with the reference.
func (c *tableCheck) decisions(rules []refRule, byDefault Requirement, tables []*Table) {
	for i, path := range c.paths {
		minimal := c.minimal(rules, i)
		for _, method := range refMethods {
			got := tables[0].Match(method, path)
			if !c.allowed(got, minimal, method, byDefault) {
				c.Fatalf("%v, default %v: %s %s: %+v", rules, byDefault, method, path, got)
			}
			for _, table := range tables[1:] {
				if method != "GET" && method != "OTHER" {
					continue // the rule is the same for all methods
				}
				if other := table.Match(method, path); other != got {
					c.Fatalf("%v: %s %s: %+v or %+v, by the order of the rules", rules, method, path, got, other)
				}
			}
		}
	}
}

// minimal is refWorld.minimal with the relations remembered.
func (c *tableCheck) minimal(rules []refRule, i int) []refRule {
	var minimal []refRule
	for _, r := range rules {
		least := c.world.covers[r.pattern][i]
		for _, other := range rules {
			if c.world.covers[other.pattern][i] && c.relation(other.pattern, r.pattern) == MoreSpecific {
				least = false
			}
		}
		if least {
			minimal = append(minimal, r)
		}
	}
	return minimal
}

func (c *tableCheck) allowed(got Decision, minimal []refRule, method string, byDefault Requirement) bool {
	if len(minimal) == 0 {
		return got == Decision{Required: byDefault, FromDefault: true}
	}
	named := false
	for _, r := range minimal {
		required, listed, fromDefault := r.require(method, byDefault)
		if got.Required != required {
			return false // all most specific rules must agree
		}
		named = named || got == Decision{Rule: r.pattern, Required: required, Listed: listed, FromDefault: fromDefault}
	}
	return named
}

func parts(err error) []error {
	if err == nil {
		return nil
	}
	return err.(interface{ Unwrap() []error }).Unwrap()
}

func mustPattern(t testing.TB, s string) Pattern {
	t.Helper()
	p, err := ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPath(t testing.TB, target string) Path {
	t.Helper()
	p, err := ParsePath(target)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return p
}

func mustPaths(t testing.TB, targets []string) []Path {
	t.Helper()
	var paths []Path
	for _, target := range targets {
		paths = append(paths, mustPath(t, target))
	}
	return paths
}
