package main

import (
	"testing"
	"time"
)

func TestParsePast(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"7d": "2026-11-17T12:00:00Z", "90m": "2026-11-24T10:30:00Z", "0": "2026-11-24T12:00:00Z",
		"2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T08:00:00+01:00": "2026-01-31T07:00:00Z",
	} {
		got, err := parsePast("since", in, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %s, %v, want %s", in, got, err, want)
		}
	}
	if got, err := parsePast("since", "", now); err != nil || !got.IsZero() {
		t.Errorf("nothing is %s, %v", got, err)
	}
	for _, in := range []string{"soon", "never", "-7d", "2026-13-01", "2026-01-31 08:00", "0001-01-01T00:00:00Z"} {
		if got, err := parsePast("since", in, now); err == nil {
			t.Errorf("%q is %s", in, got)
		}
	}
}
