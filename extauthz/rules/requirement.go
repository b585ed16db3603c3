// Package rules maps HTTP method and path to what a request requires.
//
// It has three parts, each pure: canonical paths (path.go), the pattern language with its partial order
// (pattern.go), and the table of routes with its matcher (table.go, trie.go).
package rules

import "fmt"

// Requirement is what a rule asks of a request. The zero Requirement denies.
type Requirement uint8

// The requirements, from the strictest to the laxest.
const (
	Deny   Requirement = iota // nobody may
	Full                      // a key with full permission
	Write                     // a key with write permission or more
	Read                      // any key
	Public                    // no key is needed and none is read
)

var requirementNames = [...]string{Deny: "deny", Full: "full", Write: "write", Read: "read", Public: "public"}

// ParseRequirement reads public, read, write, full or deny.
func ParseRequirement(s string) (Requirement, error) {
	for r, name := range requirementNames {
		if s == name {
			return Requirement(r), nil
		}
	}
	return Deny, fmt.Errorf("%q is not one of public, read, write, full, deny", s)
}

// String is the word that ParseRequirement reads. A value outside the set prints as deny, which is how it is treated.
func (r Requirement) String() string {
	if int(r) < len(requirementNames) {
		return requirementNames[r]
	}
	return requirementNames[Deny]
}

// ValidMethod reports whether m is a method that keygate decides on: [A-Z][A-Z-]{0,31}.
func ValidMethod(m string) bool {
	if m == "" || len(m) > 32 || m[0] == '-' {
		return false
	}
	for i := range len(m) {
		if (m[i] < 'A' || m[i] > 'Z') && m[i] != '-' {
			return false
		}
	}
	return true
}
