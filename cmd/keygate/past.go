package main

import (
	"time"

	"github.com/antinium/keygate/keystore"
)

const pastHelp = "a duration ago (90d), a date (its beginning in UTC) or an RFC 3339 time (`WHEN`)"

// parsePast reads a time that has passed, as pastHelp says; "" is the zero time. A date is its beginning, where an
// expiry is its end: "before" and "since" a day do and do not count that day.
func parsePast(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && !t.IsZero() {
			return t.UTC(), nil
		}
	}
	if d, err := keystore.ParseDuration(s); err == nil {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, usagef(`--%s %q: want a duration ago ("90d"), a date ("2026-01-31", its beginning in UTC) or an RFC 3339 time ("2026-01-31T08:00:00Z")`, flag, s)
}
