package rules

import (
	"fmt"
	"strings"
)

// The pattern language:
//
//	pattern  = "/" | 1*( "/" segment ) [ "/" ] | *( "/" segment ) "/**"
//	segment  = literal | "*" | "{" name "}"
//	name     = [A-Za-z_][A-Za-z0-9_]*, once in a pattern
//	literal  = a segment of a canonical path; "*", "{" and "}" only as escapes
//
// A pattern means a set of paths, a path being a list of segments: a literal stands for itself, "*" and "{name}"
// for any one segment, "**" for any number of them, none included. A slash at the end of a pattern or of a path
// means nothing.
type Pattern struct {
	source   string
	segments []segment
	rest     bool // ends in "**"
}

// segment is one position of a pattern: a literal, decoded, or any.
type segment struct {
	literal string
	any     bool
}

// SyntaxError says where a pattern does not parse.
type SyntaxError struct {
	Pattern string
	Offset  int // in bytes
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("pattern %q, byte %d: %s", e.Pattern, e.Offset, e.Problem)
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.source }

// ParsePattern reads a pattern, or gives the zero Pattern and a *SyntaxError.
func ParsePattern(s string) (Pattern, error) {
	p := Pattern{source: s}
	fail := func(offset int, problem string) (Pattern, error) {
		return Pattern{}, &SyntaxError{s, offset, problem}
	}
	if s == "" || s[0] != '/' {
		return fail(0, "must begin with a slash")
	}
	names := map[string]bool{}
	for start := 1; start <= len(s); {
		text, _, more := strings.Cut(s[start:], "/")
		last := !more
		switch {
		case text == "" && last:
		case text == "":
			return fail(start, "empty segment")
		case text == "**" && last:
			p.rest = true
		case text == "**":
			return fail(start, `"**" stands for the rest and must come last`)
		default:
			seg, name, offset, problem := parseSegment(text)
			if problem == "" && names[name] && name != "" {
				offset, problem = 1, "name "+name+" is used twice"
			}
			if problem != "" {
				return fail(start+offset, problem)
			}
			names[name] = true
			p.segments = append(p.segments, seg)
		}
		start += len(text) + 1
	}
	return p, nil
}

// parseSegment reads "*", "{name}" or a literal.
func parseSegment(text string) (seg segment, name string, offset int, problem string) {
	if text == "*" {
		return segment{any: true}, "", 0, ""
	}
	if text[0] == '{' && text[len(text)-1] == '}' {
		name = text[1 : len(text)-1]
		if !isName(name) {
			return segment{}, "", 1, "a name is [A-Za-z_][A-Za-z0-9_]*"
		}
		return segment{any: true}, name, 0, ""
	}
	if at := strings.IndexAny(text, "*{}"); at >= 0 {
		return segment{}, "", at, "wildcards stand for whole segments; write the character as an escape"
	}
	literal, offset, problem := parseLiteral(text)
	return segment{literal: literal}, "", offset, problem
}

// parseLiteral takes what a canonical path can hold, and UTF-8 as it is.
func parseLiteral(text string) (literal string, offset int, problem string) {
	for i := range len(text) {
		if b := text[i]; b < 0x21 || b == 0x7f || b == '#' || b == '?' || b == '\\' {
			return "", i, "a character that no path can hold"
		}
	}
	if at, problem := badEscape(text); problem != "" {
		return "", at, problem
	}
	if problem := badSegment(text); problem != "" {
		return "", 0, problem
	}
	literal = decode(text)
	if literal != strings.ToValidUTF8(literal, "") {
		return "", 0, "invalid UTF-8"
	}
	return literal, 0, ""
}

func isName(s string) bool {
	for i := range len(s) {
		letter := s[i] == '_' || 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z'
		if !letter && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// Relation is how the path sets of two patterns lie to each other.
type Relation int

// The relations of p to q in p.Compare(q). MoreSpecific and LessSpecific are a strict partial order.
const (
	Disjoint     Relation = iota // no path in common
	Equal                        // the same paths
	MoreSpecific                 // every path of p is one of q, and q has more
	LessSpecific                 // every path of q is one of p, and p has more
	Overlapping                  // paths in common, and each has paths of its own
)

// Compare relates p to q and, unless they are Disjoint, gives a path that both cover.
func (p Pattern) Compare(q Pattern) (Relation, string) {
	witness, overlap := p.witness(q)
	if !overlap {
		return Disjoint, ""
	}
	pInQ, qInP := p.within(q), q.within(p)
	switch {
	case pInQ && qInP:
		return Equal, witness
	case pInQ:
		return MoreSpecific, witness
	case qInP:
		return LessSpecific, witness
	}
	return Overlapping, witness
}

// within reports whether every path of p is one of q. Segments vary freely, so positions can be judged one by one:
// "any" lies only within "any" or the rest, since no literal stands for all segments.
func (p Pattern) within(q Pattern) bool {
	if len(p.segments) < len(q.segments) || len(p.segments) > len(q.segments) && !q.rest || p.rest && !q.rest {
		return false
	}
	for i, want := range q.segments {
		if !want.any && p.segments[i] != want {
			return false
		}
	}
	return true
}

// witness gives the shortest path that p and q both cover.
func (p Pattern) witness(q Pattern) (string, bool) {
	if len(p.segments) < len(q.segments) {
		p, q = q, p
	}
	if len(p.segments) > len(q.segments) && !q.rest {
		return "", false
	}
	var path strings.Builder
	for i, seg := range p.segments {
		if i < len(q.segments) {
			other := q.segments[i]
			if !seg.any && !other.any && seg.literal != other.literal {
				return "", false
			}
			if seg.any {
				seg = other
			}
		}
		if seg.any {
			seg.literal = "x"
		}
		path.WriteString("/" + escape(seg.literal))
	}
	if path.Len() == 0 {
		return "/", true
	}
	return path.String(), true
}

// escape spells a decoded segment as it must stand in a canonical path.
func escape(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		if c := segment[i]; c < 0x21 || c > 0x7e || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
