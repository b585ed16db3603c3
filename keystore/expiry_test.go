package keystore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	for s, want := range map[string]string{
		"never": "never", "90m": "1h30m0s", "30d": "720h0m0s", "2w": "336h0m0s", "1d12h": "36h0m0s", "1.5d": "36h0m0s", "500ms": "500ms",
		"2026-12-31": "2027-01-01T00:00:00Z", "2024-02-29": "2024-03-01T00:00:00Z",
		"2026-12-31T08:00:00Z": "2026-12-31T08:00:00Z", "2026-12-31T08:00:00.123+02:00": "2026-12-31T06:00:00.123Z", "0": "0s", "0s": "0s",
	} {
		got, err := ParseWhen(s)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
		if got.IsNever() != (s == "never") {
			t.Errorf("%q: never %v", s, got.IsNever())
		}
	}
	for _, s := range []string{
		"", " ", "Never", "-1h", "+1h", "1", "d", "1x", "1 d", "1dd", "30D", "2026-02-30", "2026-13-01", "26-01-01", "2026-12-31T08:00:00", "2026-12-31 08:00:00Z",
		"2026-12-31T8:00:00Z", "2026-12-31T08:00:00,5Z", "999999999999w", "20000w", "1h-1h", ".", "1.2.3h", "0001-01-01T00:00:00Z", "1e3h", "∞",
	} {
		if got, err := ParseWhen(s); err == nil || got != (Expiry{}) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

// TestParseWhenNeverEchoesAKey: people paste into the wrong field.
func TestParseWhenNeverEchoesAKey(t *testing.T) {
	text := mustMint(t, "ant_")
	_, err := ParseWhen(text)
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "expires" || strings.Contains(err.Error(), text[4:12]) {
		t.Errorf("got %v", err)
	}
}

func TestExpiryBounds(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		e    Expiry
		want string // part of the error, or the time
	}{
		{Expiry{}, ""},
		{ExpiresIn(time.Second), "2026-01-02T03:04:06.000Z"},
		{ExpiresIn(1500*time.Millisecond + 999*time.Microsecond), "2026-01-02T03:04:06.500Z"},
		{ExpiresIn(MaxLifetime), "2126-01-03T03:04:05.000Z"},
		{ExpiresAt(now.Add(time.Second)), "2026-01-02T03:04:06.000Z"},
		{ExpiresIn(999 * time.Millisecond), "the shortest lifetime is 1s"},
		{ExpiresIn(0), "the shortest lifetime is 1s"},
		{ExpiresIn(-time.Hour), "the shortest lifetime is 1s"},
		{ExpiresIn(MaxLifetime + time.Second), "the longest lifetime is 100 years"},
		{ExpiresAt(now), "in the past"},
		{ExpiresAt(now.AddDate(-1, 0, 0)), "in the past"},
		{ExpiresAt(now.Add(time.Second - 1)), "the shortest lifetime is 1s"},
		{ExpiresAt(now.AddDate(101, 0, 0)), "the longest lifetime is 100 years"},
	} {
		got, err := c.e.from(now)
		var invalid *InvalidError
		switch {
		case err == nil && stamp(got) == c.want:
		case errors.As(err, &invalid) && invalid.Field == "expires" && c.want != "" && strings.Contains(err.Error(), c.want):
		default:
			t.Errorf("%v: %v, %v", c.e, got, err)
		}
	}
}

// FuzzParseWhen: what parses prints as something that parses to the same, and a
// failed parse is never an expiry.
func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"never", "30d", "1w2d3h", "1.5w", "2026-12-31", "2026-12-31T08:00:00+02:00", "0", "0.0000000001h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseWhen(s)
		if err != nil {
			if e != (Expiry{}) {
				t.Fatalf("%q: %v and %v", s, e, err)
			}
			return
		}
		again, err := ParseWhen(e.String())
		if err != nil || again != e {
			t.Fatalf("%q is %v, which is %v, %v", s, e, again, err)
		}
		if e.IsNever() != (s == "never") {
			t.Fatalf("%q never ends", s)
		}
		if d, err := ParseDuration(s); err == nil && d < 0 {
			t.Fatalf("%q is %s", s, d)
		}
	})
}
