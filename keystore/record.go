package keystore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Record is what the store knows about one key. Nobody changes a Record after
// the store has returned it: the cache hands the same one to many checks.
type Record struct {
	ID         string // ULID, 26 upper-case characters; sorts by creation; safe to log
	Name       string // 1-100 printable characters
	Permission Permission
	Account    string // "" with Operator alone: of every account
	Workspace  string // means nothing without Account; "" with Operator alone: every workspace of the account
	Prefix     string // of the key's text, such as "ant_"; "" for an imported key that has none
	Last4      string // last characters of the key's text
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never. Expired when now >= ExpiresAt
	RevokedAt  time.Time // zero: not revoked
	Disabled   bool
	Replaces   string // id of the key that this one was rotated from
	ReplacedBy string // id of the key that this one was rotated to

	// RetireUnused ends a rotated key before its overlap does, once it has not
	// been used for so long; 0 is no such wish.
	RetireUnused time.Duration
	CreatedBy    string            // the actor that made it: "uid:1000", "key:" and an id, or "" for keys of old versions
	Labels       map[string]string // at most MaxLabels; nil when there are none. Nobody changes it
	Import       string            // id of the import that brought it; "" for a key made here
}

// madeBy is what CreatedBy begins with when a key made the key.
const madeBy = "key:"

// MadeBy is the id of the key that made this one, or "" if none did.
func (r *Record) MadeBy() string {
	if id, ok := strings.CutPrefix(r.CreatedBy, madeBy); ok && validID(id) {
		return id
	}
	return ""
}

// ArrivedAt is since when this store can have seen the key: when it was made
// here, or when its import began.
func (r *Record) ArrivedAt() time.Time {
	if id, ok := parseID(r.Import); ok {
		return ulid.Time(id.Time()).UTC()
	}
	return r.CreatedAt
}

// Ended reports whether the key has come to its end for good at now, by
// revocation or by expiry: a disabled key has not.
func (r *Record) Ended(now time.Time) bool {
	return !r.RevokedAt.IsZero() || r.expired(now)
}

func (r *Record) expired(now time.Time) bool {
	return !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt)
}

// Revision names this state of the record: it differs after every change, and
// comes back only with the same contents. 16 hexadecimal digits.
func (r *Record) Revision() string {
	encoded, _ := appendRecord(nil, r)
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8])
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
	case r.expired(now):
		return Expired
	case r.ReplacedBy != "":
		return Retiring
	}
	return Active
}
