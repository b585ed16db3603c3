package keystore

import (
	"fmt"
	"strings"
	"time"
)

// The bounds of a lifetime, from the moment the change is made.
const (
	MinLifetime = time.Second
	MaxLifetime = 36525 * day // 100 years
)

// Expiry is when a key shall end: after a duration, at a time, or never. The
// zero value is never. A duration counts from the moment that the store makes
// the change, by the store's own clock.
type Expiry struct {
	after time.Duration // one of the two, or neither
	at    time.Time
}

// ExpiresIn is an Expiry d from the change. Zero is not never: it is too soon.
func ExpiresIn(d time.Duration) Expiry {
	if d == 0 {
		d = -1
	}
	return Expiry{after: d}
}

// ExpiresAt is an Expiry at t; the zero time means never.
func ExpiresAt(t time.Time) Expiry { return Expiry{at: t.UTC()} }

// ParseWhen reads what people give as an expiry:
//
//	never
//	90m  30d  2w  1d12h    a duration, see ParseDuration
//	2026-12-31             a date: the end of that day in UTC
//	2026-12-31T08:00:00Z   an RFC 3339 time
//
// Whether the time has passed or is too far away is judged when it is used. The
// error is an *InvalidError for the field "expires".
func ParseWhen(s string) (Expiry, error) {
	if s == "never" {
		return Expiry{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return ExpiresAt(t.AddDate(0, 0, 1)), nil
	}
	if t, ok := parseRFC3339(s); ok {
		return ExpiresAt(t), nil
	}
	if d, err := ParseDuration(s); err == nil {
		return ExpiresIn(d), nil
	}
	return Expiry{}, &InvalidError{Field: "expires", Problem: quote(s) +
		` is neither a duration ("90m", "30d", "2w"), a date ("2026-12-31"), an RFC 3339 time ("2026-12-31T08:00:00Z") nor "never"`}
}

// parseRFC3339 is stricter than time.Parse, which takes an hour of one digit
// and a comma for the point. The zero time is refused: it would mean never.
func parseRFC3339(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	sound := err == nil && s[13] == ':' && !strings.Contains(s, ",")
	return t, sound && !t.IsZero()
}

// IsNever reports whether the key shall not end by itself.
func (e Expiry) IsNever() bool { return e == Expiry{} }

// String is a text that ParseWhen reads as the same expiry.
func (e Expiry) String() string {
	switch {
	case e.IsNever():
		return "never"
	case e.after != 0:
		return max(0, e.after).String()
	}
	return e.at.Format(time.RFC3339Nano)
}

// from resolves the expiry for a change made at now, in whole milliseconds; the
// zero time means never.
func (e Expiry) from(now time.Time) (time.Time, error) {
	if e.IsNever() {
		return time.Time{}, nil
	}
	at := e.at
	if e.after != 0 {
		at = now.Add(e.after)
	}
	at = at.Truncate(time.Millisecond)
	switch {
	case e.after == 0 && !at.After(now):
		return time.Time{}, invalidExpiry("%s is in the past; the earliest is %s from now", e, MinLifetime)
	case at.Before(now.Add(MinLifetime)):
		return time.Time{}, invalidExpiry("%s is too soon; the shortest lifetime is %s", e, MinLifetime)
	case at.After(now.Add(MaxLifetime)):
		return time.Time{}, invalidExpiry(`%s is too far away; the longest lifetime is 100 years (or "never")`, e)
	}
	return at, nil
}

func invalidExpiry(format string, args ...any) error {
	return &InvalidError{Field: "expires", Problem: fmt.Sprintf(format, args...)}
}
