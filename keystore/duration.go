package keystore

import (
	"math"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a duration as people write lifetimes: Go's units, and d
// (24 h) and w (7 d), as in "90m", "30d", "2w" or "1d12h". No sign; at least
// one number with its unit, or "0". The error is an *InvalidError for the
// field "duration".
func ParseDuration(s string) (time.Duration, error) {
	bad := &InvalidError{Field: "duration", Problem: quote(s) + ` is not a duration such as "90m", "30d" or "2w"`}
	if s == "0" {
		return 0, nil
	}
	var total time.Duration
	for rest := s; ; {
		part, tail, ok := cutTerm(rest)
		if !ok || part < 0 || total > math.MaxInt64-part {
			return 0, bad
		}
		total += part
		if tail == "" {
			return total, nil
		}
		rest = tail
	}
}

// cutTerm reads one number and its unit off the front of s.
func cutTerm(s string) (d time.Duration, tail string, ok bool) {
	isNumber := func(c rune) bool { return c >= '0' && c <= '9' || c == '.' }
	unitAt := len(s) - len(strings.TrimLeftFunc(s, isNumber))
	end := unitAt + len(s[unitAt:]) - len(strings.TrimLeftFunc(s[unitAt:], func(c rune) bool { return !isNumber(c) }))
	if unitAt == 0 || unitAt == end {
		return 0, "", false
	}
	d, ok = term(s[:unitAt], s[unitAt:end])
	return d, s[end:], ok
}

// term turns "1.5" and "d" into 36 h, leaving the arithmetic of the number and
// all other units to the standard library.
func term(number, unit string) (time.Duration, bool) {
	times := time.Duration(1)
	switch unit {
	case "d":
		unit, times = "h", 24
	case "w":
		unit, times = "h", 7*24
	}
	d, err := time.ParseDuration(number + unit)
	if err != nil || d > math.MaxInt64/times {
		return 0, false
	}
	return d * times, true
}
