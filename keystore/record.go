package keystore

import (
	"fmt"
	"time"
)

// Record is what the store knows about one key. Nobody changes a Record after
// the store has returned it: the cache hands the same one to many checks.
type Record struct {
	ID         string // ULID, 26 upper-case characters; sorts by creation; safe to log
	Name       string // 1-100 printable characters
	Permission Permission
	Account    string
	Workspace  string // means nothing without Account
	Prefix     string // of the key's text, such as "ant_"
	Last4      string // last characters of the key's text
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never. Expired when now >= ExpiresAt
	RevokedAt  time.Time // zero: not revoked
	Disabled   bool
	Replaces   string // id of the key that this one was rotated from
	ReplacedBy string // id of the key that this one was rotated to
}

// Status says whether a key works, and if not, why.
type Status string

// The statuses. When several apply, the first of Revoked, Disabled, Expired,
// Retiring and Active is the one.
const (
	Active   Status = "active"
	Retiring Status = "retiring" // rotated out, the overlap is running; it still works
	Disabled Status = "disabled"
	Expired  Status = "expired"
	Revoked  Status = "revoked"

	// Unreadable is used by Census alone, for records that fail their check.
	Unreadable Status = "unreadable"
)

// ParseStatus reads one of the five statuses that a key can have. Anything
// else is an *InvalidError for the field "status".
func ParseStatus(s string) (Status, error) {
	switch st := Status(s); st {
	case Active, Retiring, Disabled, Expired, Revoked:
		return st, nil
	}
	problem := fmt.Sprintf("must be active, retiring, disabled, expired or revoked, not %s", quote(s))
	return "", &InvalidError{Field: "status", Problem: problem}
}

// Status tells the state of the key at now, which should come from Store.Now.
func (r *Record) Status(now time.Time) Status {
	switch {
	case !r.RevokedAt.IsZero():
		return Revoked
	case r.Disabled:
		return Disabled
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return Expired
	case r.ReplacedBy != "":
		return Retiring
	}
	return Active
}
