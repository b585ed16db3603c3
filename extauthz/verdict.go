package extauthz

import (
	"time"

	"github.com/antinium/keygate/extauthz/rules"
	"github.com/antinium/keygate/keystore"
)

// Verdict is a decision and all that it was drawn from. A denial is a Verdict, not an error.
// The zero Verdict does not allow.
type Verdict struct {
	Reason   Reason
	Routed   bool              // whether the request got as far as the rules; Rule and Required are set then
	Rule     string            // the pattern that decided; "" where no pattern covers the path
	Required rules.Requirement // what the rule or the default requires
	Record   *keystore.Record  // the key, as far as it was found; nil otherwise
	Problem  error             // what made the path ambiguous; holds nothing that the client sent
}

// RuleName is the deciding pattern, or "default" where none covers the path, or "" before the rules.
func (v Verdict) RuleName() string {
	switch {
	case !v.Routed:
		return ""
	case v.Rule == "":
		return "default"
	}
	return v.Rule
}

// because returns v with its reason set.
func (v Verdict) because(r Reason) Verdict {
	v.Reason = r
	return v
}

// Judge completes an undecided verdict by a key's record at the time now. It is a pure function of
// (what the rules require, record, now).
func (v Verdict) Judge(record *keystore.Record, now time.Time) Verdict {
	v.Record = record
	v.Reason = judge(v.Required, record, now)
	return v
}

func judge(required rules.Requirement, record *keystore.Record, now time.Time) Reason {
	switch status := record.Status(now); {
	case status == keystore.Revoked:
		return Revoked
	case status == keystore.Disabled:
		return Disabled
	case status == keystore.Expired:
		return Expired
	case status != keystore.Active && status != keystore.Retiring:
		return CorruptRecord // a status this code does not know must not pass
	case required == rules.Deny:
		return NoRule
	case !record.Permission.Allows(permissionFor(required)):
		return InsufficientPermission
	}
	return Allowed
}

// permissionFor is the least permission that meets a requirement. Requirements that no permission meets
// give the zero Permission, which Allows refuses.
func permissionFor(r rules.Requirement) keystore.Permission {
	switch r {
	case rules.Read:
		return keystore.Read
	case rules.Write:
		return keystore.Write
	case rules.Full:
		return keystore.Full
	}
	return 0
}
