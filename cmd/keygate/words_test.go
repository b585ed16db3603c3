package main

import (
	"testing"
	"time"

	"github.com/antinium/keygate/admin"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", 10*time.Second - 1: "just now", 10 * time.Second: "10 s ago",
		time.Minute: "1 min ago", time.Hour - 1: "59 min ago", time.Hour: "1 h ago", 3*time.Hour + 59*time.Minute: "3 h ago",
		2*day - 1: "47 h ago", 2 * day: "2 d ago", 400 * day: "400 d ago",
	} {
		if got := ago(admin.Time{Time: now.Add(-d)}, now); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := ago(admin.Time{}, now); got != "never" {
		t.Errorf("no time at all: %q", got)
	}
}

func TestScope(t *testing.T) {
	for want, pair := range map[string][2]admin.Text{"a/b": {"a", "b"}, "a/*": {"a", ""}, "*/*": {"", ""}} {
		if got := scope(pair[0], pair[1]); got != want {
			t.Errorf("scope %q is %q, want %q", pair, got, want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for in, want := range map[admin.Text]string{"24h0m0s": "24h", "1h30m0s": "1h30m", "10m0s": "10m", "1m30s": "1m30s", "50s": "50s", "": ""} {
		if got := shortDuration(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestLiving(t *testing.T) {
	for n, want := range map[int]string{0: "0 keys", 1: "1 key", 9999: "9999 keys", 10000: "10000 keys or more"} {
		if got := living(n, "key"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
