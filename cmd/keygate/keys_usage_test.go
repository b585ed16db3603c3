package main

import (
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/admin"
)

// The table shows as many hours and days as it was asked for, and the reasons by how often they decided.
func TestUsageTable(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 30, 0, 0, time.UTC)
	at := func(ago time.Duration) admin.Time { return admin.Time{Time: now.Truncate(time.Hour).Add(-ago)} }
	const day = 24 * time.Hour
	used := admin.KeyUsage{
		KeyID: "01", FirstSeen: at(50 * day), LastUsedAt: admin.Time{Time: now.Add(-4 * time.Minute)}, LastAddress: "10.0.0.7", Allowed: 41, Denied: 3,
		ByReason: map[string]uint64{"expired": 1, "allowed": 41, "disabled": 1, "revoked": 1},
		Hours:    []admin.UsageBucket{{Start: at(47 * time.Hour), Allowed: 1}, {Start: at(23 * time.Hour), Allowed: 2, Denied: 3}, {Start: at(0), Allowed: 4}},
		Days:     []admin.UsageBucket{{Start: at(50*day + 12*time.Hour), Allowed: 5}, {Start: at(12 * time.Hour), Allowed: 6}},
	}
	show := func(hours, days int) string {
		var out strings.Builder
		if err := showUsage(&out, used, hours, days, now); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const want = `id           01
last used    4 min ago, 2026-11-24T12:26:00Z
first seen   2026-10-05T12:00:00Z
address      10.0.0.7
allowed      41
denied       3

REASON    CHECKS
allowed   41
disabled  1
expired   1
revoked   1

HOUR (UTC)        ALLOWED  DENIED
2026-11-23 13:00  2        3
2026-11-24 12:00  4        0

DAY (UTC)   ALLOWED  DENIED
2026-11-24  6        0
`
	if got := show(24, 30); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := show(48, 90); !strings.Contains(got, "2026-11-22 13:00  1 ") || !strings.Contains(got, "2026-10-05  5 ") {
		t.Errorf("not all that there is:\n%s", got)
	}
	used.Hours, used.Days, used.ByReason, used.LastUsedAt, used.FirstSeen, used.LastAddress = nil, nil, nil, admin.Time{}, admin.Time{}, ""
	if got := show(48, 90); !strings.Contains(got, "last used    never\n") || strings.Contains(got, "REASON") || strings.Contains(got, "HOUR") {
		t.Errorf("a key that was never used:\n%s", got)
	}
}
