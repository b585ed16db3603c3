package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is a set of paths, written as
//
//	pattern  = "/" | { "/" segment } [ "/**" | "/" ]
//	segment  = literal | "*" | "{" name "}"
//	literal  = the segment as a canonical request path holds it; UTF-8 may also stand raw,
//	           and "*", "{", "}" are written %2A, %7B, %7D
//	name     = [A-Za-z_][A-Za-z0-9_]*, once in a pattern
//
// where
//
//	literal  is the one segment that reads so once decoded, in the same letter case,
//	"*"      is any one segment, and so is {name},
//	"**"     is any number of segments, none included: /v1/** covers /v1, /v1/ and /v1/a/b.
//
// A trailing slash, in the pattern or in the path, makes no difference. The zero Pattern is "/".
type Pattern struct {
	source   string
	segments []string // decoded literals, or anySegment; "**" is not among them
	deep     bool     // ends in "**"
}

// anySegment stands for "*". No literal is empty.
const anySegment = ""

// SyntaxError says where a pattern breaks the grammar that stands at Pattern.
type SyntaxError struct {
	Pattern string
	Offset  int // in bytes
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("pattern %q: byte %d: %s", e.Pattern, e.Offset, e.Problem)
}

// ParsePattern reads a pattern. An error is a *SyntaxError, and comes with the zero Pattern.
func ParsePattern(s string) (Pattern, error) {
	p, f := parsePattern(s)
	if f != nil {
		return Pattern{}, &SyntaxError{s, f.Offset, f.Problem}
	}
	return p, nil
}

// String is the text that the pattern was parsed from.
func (p Pattern) String() string {
	if p.source == "" {
		return "/"
	}
	return p.source
}

func parsePattern(s string) (Pattern, *fault) {
	if f := checkPatternText(s); f != nil {
		return Pattern{}, f
	}
	p := Pattern{source: s}
	names := make(map[string]bool)
	for start := 0; start < len(s) && s[start:] != "/"; {
		end := segmentEnd(s, start+1)
		if f := p.addSegment(s[start+1:end], names); f != nil {
			return Pattern{}, &fault{start + 1 + f.Offset, f.Problem}
		}
		if p.deep && end < len(s) {
			return Pattern{}, &fault{end, `nothing may follow "**"`}
		}
		start = end
	}
	if len(p.witness(p)) > maxPattern {
		return Pattern{}, &fault{0, fmt.Sprintf("spells out a path of more than %d bytes, once escaped", maxPattern)}
	}
	return p, nil
}

// maxPattern is the length in bytes of the longest path that a pattern may spell out: half of what a target may
// have, so that any path that two patterns share can be asked for.
const maxPattern = maxTarget / 2

// checkPatternText holds patterns to what a request target may be, save that UTF-8 may stand raw. Characters
// that cannot be seen are refused: two patterns that look alike must be alike.
func checkPatternText(s string) *fault {
	if s == "" || s[0] != '/' {
		return &fault{0, `must start with "/"`}
	}
	if i := strings.IndexByte(s, '?'); i >= 0 {
		return &fault{i, "a pattern has no query"}
	}
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			return &fault{i, "not UTF-8"}
		case r < utf8.RuneSelf && !plainBytes[r], r >= utf8.RuneSelf && !unicode.IsPrint(r):
			return &fault{i, fmt.Sprintf("%q may not stand in a pattern", r)}
		}
	}
	return checkEscapes(s)
}

func (p *Pattern) addSegment(raw string, names map[string]bool) *fault {
	switch {
	case raw == "**":
		p.deep = true
		return nil
	case raw == "*":
		p.segments = append(p.segments, anySegment)
		return nil
	case strings.HasPrefix(raw, "{") && strings.HasSuffix(raw, "}"):
		p.segments = append(p.segments, anySegment)
		return checkName(raw[1:len(raw)-1], names)
	}
	if i := strings.IndexAny(raw, "*{}"); i >= 0 {
		return &fault{i, wildcardProblem(raw[i])}
	}
	literal := decode(raw)
	if problem := segmentProblem(literal); problem != "" {
		return &fault{0, problem}
	}
	p.segments = append(p.segments, literal)
	return nil
}

func wildcardProblem(c byte) string {
	return fmt.Sprintf("a wildcard is a whole segment: *, {name} or **; the character %q itself is written %%%X", c, c)
}

// checkName holds a name to the grammar and notes it in names.
func checkName(name string, names map[string]bool) *fault {
	const shape = "a name is letters, digits and _, and does not start with a digit"
	if name == "" {
		return &fault{1, "empty name: " + shape}
	}
	for i := range len(name) {
		if c := name[i]; !nameByte(c) || i == 0 && '0' <= c && c <= '9' {
			return &fault{1 + i, shape}
		}
	}
	if names[name] {
		return &fault{1, fmt.Sprintf("the name %s stands here twice", name)}
	}
	names[name] = true
	return nil
}

func nameByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
