package keystore

import "fmt"

// Permission is what a key may do. The levels nest: Read < Write < Full. The
// zero value is no permission at all: it allows nothing and is never stored.
type Permission uint8

// The permissions. Their numbers are stored in records.
const (
	Read     Permission = 1 // read documents, translations and workspace data
	Write    Permission = 2 // Read, and modify them
	Full     Permission = 3 // every endpoint
	Operator Permission = 4 // beside the levels: manages keys over the admin API, and no check ever lets it pass
)

var permissionNames = map[Permission]string{Read: "read", Write: "write", Full: "full", Operator: "operator"}

// ParsePermission reads "read", "write", "full" or "operator". Anything else is
// an *InvalidError for the field "permission".
func ParsePermission(s string) (Permission, error) {
	for p, name := range permissionNames {
		if s == name {
			return p, nil
		}
	}
	return 0, &InvalidError{Field: "permission", Problem: fmt.Sprintf("must be read, write, full or operator, not %s", quote(s))}
}

// String is the word that ParsePermission reads; an invalid value shows as
// "permission(9)".
func (p Permission) String() string {
	if name, ok := permissionNames[p]; ok {
		return name
	}
	return fmt.Sprintf("permission(%d)", uint8(p))
}

// Valid reports whether p is one of the four.
func (p Permission) Valid() bool { return p >= Read && p <= Operator }

// isLevel reports whether p is one of the three that nest.
func (p Permission) isLevel() bool { return p >= Read && p <= Full }

// Allows reports whether a key with permission p may do what needs need. An
// invalid value and Operator, on either side, allow nothing.
func (p Permission) Allows(need Permission) bool {
	return p.isLevel() && need.isLevel() && p >= need
}

// MarshalText writes the word; an invalid permission is an error.
func (p Permission) MarshalText() ([]byte, error) {
	if !p.Valid() {
		return nil, &InvalidError{Field: "permission", Problem: "is not set"}
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads the word as ParsePermission does.
func (p *Permission) UnmarshalText(text []byte) error {
	parsed, err := ParsePermission(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
