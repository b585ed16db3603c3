package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/antinium/keygate/extauthz/rules"
)

// anyMethod is the name of the entry for every method that is not listed.
const anyMethod = "*"

// routeEntry is one line of `routes`.
type routeEntry struct {
	pattern  string
	at       place
	methods  map[string]rules.Requirement
	methodAt map[string]place
}

// inside is the place of a byte of a node's text, or the node's own place where
// quotes or escapes make that a guess.
func inside(n node, offset int) place {
	if !n.literal || offset < 0 || offset > len(n.text) {
		return n.at
	}
	return n.at.right(utf8.RuneCountInString(n.text[:offset]))
}

// readRoutes keeps every route that is whole; a route with a problem takes no
// part in the search for conflicts, since it would show some that are not there.
func (d *decoder) readRoutes(n node) {
	if n.shape != mapping {
		d.undecided = true
		d.wrong(n, "routes", "a mapping of path patterns, as in /v1/**: { GET: read }")
		return
	}
	d.undecided = d.undecided || n.damaged
	for _, e := range n.entries {
		before := len(d.list)
		route := d.route(e)
		if len(d.list) > before || e.value.shape == broken || e.value.damaged {
			d.undecided = true
			continue
		}
		d.routes = append(d.routes, route)
	}
}

func (d *decoder) route(e entry) routeEntry {
	route := routeEntry{
		pattern:  e.key.text,
		at:       e.key.at,
		methods:  make(map[string]rules.Requirement),
		methodAt: make(map[string]place),
	}
	d.pattern(e.key)
	where := "routes." + cut(e.key.text)
	if e.value.shape != mapping || len(e.value.entries) == 0 {
		d.wrong(e.value, where, `methods and what they need, as in { GET: read, "*": full }`)
		return route
	}
	for _, m := range e.value.entries {
		d.method(m.key, where)
		if required, ok := d.requirement(m.value, where+" "+cut(m.key.text)); ok {
			route.methods[m.key.text] = required
			route.methodAt[m.key.text] = m.key.at
		}
	}
	return route
}

// pattern reports a pattern that the rules do not know, at the character at fault.
func (d *decoder) pattern(key node) {
	_, err := rules.ParsePattern(key.text)
	if err == nil {
		return
	}
	offset, problem := 0, err.Error()
	var syntax *rules.SyntaxError
	if errors.As(err, &syntax) {
		offset, problem = syntax.Offset, syntax.Problem
	}
	d.report.at(inside(key, offset), "routes: found the pattern %s, expected a path pattern: %s", quote(key.text), problem)
}

// method reports a name that no request can have as its method.
func (d *decoder) method(key node, where string) {
	if key.text == anyMethod || rules.ValidMethod(key.text) {
		return
	}
	hint := ""
	if upper := strings.ToUpper(key.text); rules.ValidMethod(upper) {
		hint = "; did you mean " + quote(upper) + "?"
	}
	d.report.at(key.at, "%s: found the method %s, expected an upper-case HTTP method or \"*\"%s", where, quote(key.text), hint)
}

// requirements are the words for what a request may need.
var requirements = []string{
	rules.Public.String(), rules.Read.String(), rules.Write.String(), rules.Full.String(), rules.Deny.String(),
}

func (d *decoder) requirement(n node, where string) (rules.Requirement, bool) {
	if n.shape == text && slices.Contains(requirements, n.text) {
		required, err := rules.ParseRequirement(n.text)
		return required, err == nil
	}
	d.wrong(n, where, oneOf(requirements)+didYouMean(n.text, requirements))
	return rules.Deny, false
}

// buildTable makes the table of the routes that could be read, and reports how
// they contradict each other.
func (d *decoder) buildTable(c *Config) {
	routes := make([]rules.Route, len(d.routes))
	for i, route := range d.routes {
		routes[i] = rules.Route{Pattern: route.pattern, Methods: route.methods}
	}
	table, err := rules.New(routes, c.Default)
	for _, problem := range split(err) {
		d.undecided = true
		d.ruleProblem(problem)
	}
	c.Routes, c.routes = table, d.routes
}

// split undoes errors.Join.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		return joined.Unwrap()
	}
	return []error{err}
}

func (d *decoder) ruleProblem(err error) {
	var conflict *rules.ConflictError
	var route *rules.RouteError
	switch {
	case errors.As(err, &conflict):
		d.conflict(conflict)
	case errors.As(err, &route):
		d.unusable(route)
	default:
		d.report.at(d.at["routes"].place, "routes: %v", err)
	}
}

// unusable reports a route that the rules refuse on its own, or because an earlier
// one covers the same paths.
func (d *decoder) unusable(e *rules.RouteError) {
	route := d.routes[e.Index]
	for _, earlier := range d.routes[:e.Index] {
		if sameCover(earlier.pattern, route.pattern) {
			d.report.at(route.at, "routes: found %s, which covers the same paths as %s on line %d, expected one route for them",
				quote(route.pattern), quote(earlier.pattern), earlier.at.line)
			return
		}
	}
	d.report.at(route.at, "routes: found the route %s, expected one that can be used: %v", quote(route.pattern), e.Err)
}

// conflict reports two routes that cannot both be right, at the one further down.
func (d *decoder) conflict(c *rules.ConflictError) {
	first, second := d.routes[c.A], d.routes[c.B]
	d.report.at(second.at, "routes: found %s, which overlaps %s on line %d: both match %s, where %s needs %s by this one and %s by the other"+
		", and neither is more specific; expected the same requirement, or patterns that share no path",
		quote(second.pattern), quote(first.pattern), first.at.line, c.Witness, methodWords(c.Method), c.RequirementB, c.RequirementA)
}

func methodWords(method string) string {
	if method == anyMethod || method == "" {
		return "every other method"
	}
	return method
}

func sameCover(a, b string) bool {
	p, errA := rules.ParsePattern(a)
	q, errB := rules.ParsePattern(b)
	if errA != nil || errB != nil {
		return false
	}
	relation, _ := p.Compare(q)
	return relation == rules.Equal
}

// readExpect reports lines that cannot be understood and keeps the others for
// checkExpect, which needs the whole table.
func (d *decoder) readExpect(n node) {
	if n.shape != mapping {
		d.wrong(n, "expect", "a mapping, as in GET /v1/documents/7: read")
		return
	}
	for _, e := range n.entries {
		method, target, ok := d.request(e.key)
		required, known := d.requirement(e.value, "expect."+cut(e.key.text))
		if ok && known {
			d.expect = append(d.expect, expectLine{Expectation{method, target, required}, e.key.at})
		}
	}
}

// expectLine is an expectation and its place.
type expectLine struct {
	Expectation
	at place
}

// request reads `METHOD /path`.
func (d *decoder) request(key node) (method, target string, ok bool) {
	method, target, ok = strings.Cut(key.text, " ")
	if !ok || !rules.ValidMethod(method) {
		d.report.at(key.at, "expect: found %s, expected a method and a path, as in GET /v1/documents/7", quote(key.text))
		return "", "", false
	}
	if _, err := rules.ParsePath(target); err != nil {
		offset, problem := 0, err.Error()
		var detail *rules.PathError
		if errors.As(err, &detail) {
			offset, problem = detail.Offset, detail.Problem
		}
		d.report.at(inside(key, len(method)+1+offset), "expect: found the path %s, expected one that keygate does not refuse: %s", quote(target), problem)
		return "", "", false
	}
	return method, target, true
}

// checkExpect compares the lines of `expect` with what the table decides. Without
// a whole table there is nothing to compare with.
func (d *decoder) checkExpect(c *Config) {
	for _, line := range d.expect {
		c.Expect = append(c.Expect, line.Expectation)
		if d.undecided || c.Routes == nil {
			continue
		}
		path, err := rules.ParsePath(line.Path)
		if err != nil {
			continue // reported by request
		}
		decision := c.Routes.Match(line.Method, path)
		if decision.Required != line.Required {
			d.report.at(line.at, "expect: found that %s %s needs %s (%s), expected %s",
				line.Method, line.Path, decision.Required, d.because(line.Method, decision), line.Required)
		}
	}
}

// because says which line of the file decided.
func (d *decoder) because(method string, decision rules.Decision) string {
	i := slices.IndexFunc(d.routes, func(r routeEntry) bool { return r.pattern == decision.Rule })
	switch {
	case decision.Rule == "" || i < 0:
		return "no route covers the path: by the default"
	case decision.FromDefault:
		return fmt.Sprintf("the route %s on line %d lists neither %s nor \"*\": by the default", decision.Rule, d.routes[i].at.line, method)
	}
	return fmt.Sprintf("by the route %s on line %d", decision.Rule, d.routes[i].at.line)
}

// sortedMethods lists the methods of a route, for messages that must not depend
// on the order of a map.
func (e routeEntry) sortedMethods() []string {
	return slices.Sorted(maps.Keys(e.methods))
}
