package keystore

import (
	"strings"
	"time"
)

// Filter chooses records; a zero field chooses any.
type Filter struct {
	Account, Workspace string
	Status             Status
	Permission         Permission
	Labels             map[string]string // each of them
	NamePrefix         string            // without regard to case
	Last4              string
	ExpiresBefore      time.Time // keys that have not ended and will by then
	CreatedBefore      time.Time
	Newest             bool               // the newest first
	Match              func(*Record) bool // anything else; nil chooses any
}

func (f Filter) matches(rec *Record, now time.Time) bool {
	return (f.Account == "" || f.Account == rec.Account) &&
		(f.Workspace == "" || f.Workspace == rec.Workspace) &&
		(f.Permission == 0 || f.Permission == rec.Permission) &&
		(f.Status == "" || f.Status == rec.Status(now)) &&
		(f.Last4 == "" || f.Last4 == rec.Last4) &&
		hasPrefixFold(rec.Name, f.NamePrefix) &&
		(f.CreatedBefore.IsZero() || rec.CreatedAt.Before(f.CreatedBefore)) &&
		(f.ExpiresBefore.IsZero() || rec.endsBefore(f.ExpiresBefore, now)) &&
		hasLabels(rec.Labels, f.Labels) &&
		(f.Match == nil || f.Match(rec))
}

// endsBefore reports whether the key is still to end, and will before t.
func (r *Record) endsBefore(t, now time.Time) bool {
	return !r.Ended(now) && !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(t)
}

func hasLabels(has, wanted map[string]string) bool {
	for name, value := range wanted {
		if v, ok := has[name]; !ok || v != value {
			return false
		}
	}
	return true
}

// hasPrefixFold compares lower case, since case can change the length in bytes.
func hasPrefixFold(s, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}
