package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxTarget is the longest request target that is read, in bytes.
const maxTarget = 8 << 10

// Path is a canonical path: decoded once, and such that no upstream can make another path of it. Since no
// segment can hold a slash, the decoded text is unambiguous. The zero Path is no path and matches nothing.
type Path struct {
	text string // begins with a slash; ends with one only if the target did
}

// String is the decoded path.
func (p Path) String() string { return p.text }

// PathError says why a request target is not canonical. It holds none of the target's text.
type PathError struct {
	Offset  int // in bytes, from the target's start
	Problem string
}

func (e *PathError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem) }

func pathError(offset int, problem string) (Path, error) {
	return Path{}, &PathError{offset, problem}
}

// ParsePath reads a raw request target, query included, and gives its canonical path or a *PathError. It
// refuses every spelling that an upstream could decode, fold, merge or cut into another path. It is no URI
// parser on purpose: those lose a leading "//" or stop at "#". Nothing is allocated for a target without escapes.
func ParsePath(target string) (Path, error) {
	if target == "" || target[0] != '/' {
		return pathError(0, "does not begin with a slash")
	}
	if len(target) > maxTarget {
		return pathError(maxTarget, "longer than 8 KiB")
	}
	for i := range len(target) {
		switch b := target[i]; {
		case b < 0x21 || b > 0x7e:
			return pathError(i, "a blank, control byte or byte outside ASCII")
		case b == '#':
			return pathError(i, "a number sign")
		case b == '\\':
			return pathError(i, "a backslash")
		}
	}
	raw, _, _ := strings.Cut(target, "?")
	if at, problem := badEscape(raw); problem != "" {
		return pathError(at, problem)
	}
	for start := 1; start <= len(raw); {
		segment, _, more := strings.Cut(raw[start:], "/")
		if segment == "" && more {
			return pathError(start, "an empty segment")
		}
		if problem := badSegment(segment); problem != "" {
			return pathError(start, problem)
		}
		start += len(segment) + 1
	}
	return Path{decode(raw)}, nil
}

// badEscape finds an escape that is broken, hides a separator or a control byte, or is of a character that
// needs none (RFC 3986 section 2.3), which a proxy's normalisation would undo.
func badEscape(raw string) (offset int, problem string) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		if !isEscape(raw[i:]) {
			return i, "a percent sign without two hexadecimal digits"
		}
		switch b := unescape(raw[i:]); {
		case b < 0x20 || b == 0x7f:
			return i, "an escaped control byte"
		case strings.IndexByte("#/;?\\", b) >= 0:
			return i, "an escaped separator"
		case isUnreserved(b):
			return i, "an escape of a character that needs none"
		}
		i += 2
	}
	return 0, ""
}

// badSegment judges one segment, still encoded, with its escapes known to be whole.
func badSegment(segment string) string {
	if segment == "." || segment == ".." {
		return "a dot segment"
	}
	if strings.IndexByte(segment, ';') >= 0 {
		return "a path parameter"
	}
	if strings.IndexByte(segment, '%') < 0 {
		return ""
	}
	decoded := decode(segment)
	if !utf8.ValidString(decoded) {
		return "invalid UTF-8"
	}
	for i := range len(decoded) {
		if isEscape(decoded[i:]) {
			return "an escape inside an escape"
		}
	}
	return ""
}

// decode undoes every escape once.
func decode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	decoded := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if isEscape(s[i:]) {
			decoded = append(decoded, unescape(s[i:]))
			i += 2
			continue
		}
		decoded = append(decoded, s[i])
	}
	return string(decoded)
}

// isEscape reports whether s begins with a percent sign and two hexadecimal digits.
func isEscape(s string) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func unescape(s string) byte { return fromHex(s[1])<<4 | fromHex(s[2]) }

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func fromHex(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b <= 'F':
		return b - 'A' + 10
	}
	return b - 'a' + 10
}

func isUnreserved(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("-._~", b) >= 0
}
