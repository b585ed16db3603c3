package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What request paths and patterns share: escapes, and what a decoded segment may be.

// fault is a problem at a byte of a text. PathError and SyntaxError tell it to the outside.
type fault struct {
	Offset  int
	Problem string
}

const upperHex = "0123456789ABCDEF"

// checkEscapes finds the first escape in raw that is cut short or that other software would read
// differently.
func checkEscapes(raw string) *fault {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		if !startsEscape(raw[i:]) {
			return &fault{i, `"%" without two hex digits`}
		}
		if problem := escapeProblem(unescape(raw[i:])); problem != "" {
			return &fault{i, fmt.Sprintf("%q %s", raw[i:i+3], problem)}
		}
		i += 2
	}
	return nil
}

func escapeProblem(encoded byte) string {
	switch {
	case encoded < 0x20 || encoded == 0x7F:
		return "encodes a control byte"
	case strings.IndexByte(`#/;?\`, encoded) >= 0:
		return fmt.Sprintf("encodes %q, which would cut the path where it is decoded", rune(encoded))
	case unreserved(encoded):
		return fmt.Sprintf("encodes %q, which must be written plainly", rune(encoded))
	}
	return ""
}

// unreserved is RFC 3986, section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// startsEscape reports whether s begins with "%" and two hex digits.
func startsEscape(s string) bool {
	return len(s) >= 3 && s[0] == '%' && hexDigit(s[1]) >= 0 && hexDigit(s[2]) >= 0
}

// unescape is the byte that the escape at the start of s encodes.
func unescape(s string) byte { return byte(hexDigit(s[1])<<4 | hexDigit(s[2])) }

// hexDigit is the value of c, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// decodeSegments decodes a path whose escapes have been checked. It gives raw itself if there are none.
func decodeSegments(raw string) (string, *fault) {
	var decoded strings.Builder
	escaped := strings.IndexByte(raw, '%') >= 0
	if escaped {
		decoded.Grow(len(raw))
	}
	for start := 0; start < len(raw); {
		end := segmentEnd(raw, start+1)
		segment := decode(raw[start+1 : end])
		if problem := segmentProblem(segment); problem != "" && (segment != "" || end < len(raw)) {
			return "", &fault{start + 1, problem}
		}
		if escaped {
			decoded.WriteByte('/')
			decoded.WriteString(segment)
		}
		start = end
	}
	if escaped {
		return decoded.String(), nil
	}
	return raw, nil
}

// segmentEnd is the offset of the slash that ends the segment which starts at start, or of the end of path.
func segmentEnd(path string, start int) int {
	if i := strings.IndexByte(path[start:], '/'); i >= 0 {
		return start + i
	}
	return len(path)
}

// decode undoes every escape of a segment once.
func decode(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	decoded := make([]byte, 0, len(segment))
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			c = unescape(segment[i:])
			i += 2
		}
		decoded = append(decoded, c)
	}
	return string(decoded)
}

// segmentProblem says what keeps a decoded segment from being read in one way only.
func segmentProblem(segment string) string {
	switch {
	case segment == "":
		return "empty segment"
	case segment == "." || segment == "..":
		return "dot segment"
	case strings.IndexByte(segment, ';') >= 0:
		return `";" in a segment`
	case !utf8.ValidString(segment):
		return "segment is not UTF-8 once decoded"
	}
	for i := 0; i < len(segment); i++ {
		if startsEscape(segment[i:]) {
			return "segment is encoded twice"
		}
	}
	return ""
}

// escape encodes what cannot stand plainly in a request target, and the bytes in more.
func escape(decoded, more string) string {
	var b strings.Builder
	for i := range len(decoded) {
		c := decoded[i]
		if c == '%' || !plainBytes[c] || strings.IndexByte(more, c) >= 0 {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
