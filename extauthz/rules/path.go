package rules

import (
	"fmt"
	"strings"
)

// maxTarget is the length in bytes of the longest request target, query included, that ParsePath takes.
const maxTarget = 8 << 10

// Path is the path of a request in the one reading that it has: every segment decoded once. No decoded
// segment holds a slash, so one string is enough. A Path never changes and can be compared with ==; a
// trailing slash is kept, though it makes no difference to any rule. The zero Path is no request's path.
type Path struct{ decoded string }

// PathError says why a request target has more than one reading, or none.
type PathError struct {
	Offset  int    // of the byte at fault, in the target
	Problem string // for people; quotes at most one byte or escape of the target
}

func (e *PathError) Error() string { return fmt.Sprintf("path: byte %d: %s", e.Offset, e.Problem) }

// ParsePath gives the path of a raw request target. It refuses, with a *PathError and the zero Path, every
// target that some proxy or server may read differently; it never repairs one. The checks, in order:
//
//  1. the target starts with "/" and has at most 8 KiB, query included;
//  2. every byte is visible ASCII (0x21-0x7E), and none is "#" or "\";
//  3. what follows the first "?" plays no further part;
//  4. every "%" has two hex digits, which encode neither a control byte, nor one of # / ; ? \, nor an
//     unreserved character (A-Z a-z 0-9 - . _ ~), which other software would decode before us;
//  5. the path is cut at its slashes, and each segment decoded once, which gives valid UTF-8;
//  6. no decoded segment holds ";" or reads as an escape once more, is "." or "..", or is empty, except
//     that the path may end in one slash.
//
// A target without escapes is not copied, and nothing is allocated for it.
func ParsePath(target string) (Path, error) {
	if fault := checkBytes(target); fault != nil {
		return Path{}, fault
	}
	raw, _, _ := strings.Cut(target, "?")
	if fault := checkEscapes(raw); fault != nil {
		return Path{}, (*PathError)(fault)
	}
	decoded, fault := decodeSegments(raw)
	if fault != nil {
		return Path{}, (*PathError)(fault)
	}
	return Path{decoded}, nil
}

// String is the decoded path. It is not fit to be sent: see Escaped.
func (p Path) String() string { return p.decoded }

// Escaped is the shortest target with this path; ParsePath gives p for it.
func (p Path) Escaped() string { return escape(p.decoded, "") }

// checkBytes is steps 1 and 2.
func checkBytes(target string) *PathError {
	if target == "" || target[0] != '/' {
		return &PathError{0, `must start with "/"`}
	}
	if len(target) > maxTarget {
		return &PathError{maxTarget, fmt.Sprintf("longer than %d bytes", maxTarget)}
	}
	for i := range len(target) {
		if plainBytes[target[i]] {
			continue
		}
		return &PathError{i, fmt.Sprintf("%q may not stand in a request target", target[i:i+1])}
	}
	return nil
}

// plainBytes are the bytes that may stand in a request target.
var plainBytes = func() (plain [256]bool) {
	for c := 0x21; c <= 0x7E; c++ {
		plain[c] = c != '#' && c != '\\'
	}
	return plain
}()
