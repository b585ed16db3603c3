package rules

import "fmt"

// Requirement is what a request needs to pass. The values are ordered: a larger one lets more requests
// through. The zero value is Deny, so that a decision nobody filled in opens nothing.
type Requirement uint8

const (
	Deny   Requirement = iota // no key passes
	Full                      // a key with full permission
	Write                     // a key that may write, or more
	Read                      // a key that may read, or more
	Public                    // no key; none is read
)

var requirementNames = [...]string{Deny: "deny", Full: "full", Write: "write", Read: "read", Public: "public"}

// ParseRequirement reads "public", "read", "write", "full" or "deny", in exactly this spelling. Anything
// else is an error, beside which the Requirement is Deny.
func ParseRequirement(s string) (Requirement, error) {
	for i, name := range requirementNames {
		if s == name {
			return Requirement(i), nil
		}
	}
	return Deny, fmt.Errorf("must be public, read, write, full or deny, not %q", s)
}

// String is the word that ParseRequirement reads; a value out of range shows as "requirement(9)".
func (r Requirement) String() string {
	if !r.valid() {
		return fmt.Sprintf("requirement(%d)", uint8(r))
	}
	return requirementNames[r]
}

func (r Requirement) valid() bool { return int(r) < len(requirementNames) }

// ValidMethod reports whether m is a method that rules can name: an upper-case letter, then up to 31
// upper-case letters and hyphens. Methods are compared with case, as HTTP does.
func ValidMethod(m string) bool {
	if len(m) < 1 || len(m) > 32 || m[0] == '-' {
		return false
	}
	for i := range len(m) {
		if c := m[i]; c != '-' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
