package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/antinium/keygate/usage"
)

// What the store of usage keeps.
const (
	usageHours = 48
	usageDays  = 90
)

// usage is how a key is used.
func (v *visit) usage() (answer, error) {
	r, err := v.record()
	if err != nil {
		return answer{}, err
	}
	now := v.keys.Now()
	p := UsagePage{Key: row(v.keys.Show(r), now)}
	u, err := v.keys.Usage(r.ID)
	if err != nil || u.FirstSeen.IsZero() { // usage may be lost, and nothing else with it
		return show(p)
	}
	p.Known, p.LastUsed, p.FirstSeen, p.Peer = true, past(u.LastUsed, now), past(u.FirstSeen, now), u.LastAddress
	p.Hours, p.Days = hourChart(u.Hours, now), dayChart(u.Days, now)
	p.Reasons = reasonsOf(u.ByReason)
	p.Updated = "All times are UTC. Days begin at midnight."
	return show(p)
}

// usageSummary is for the page of the key. Where there are no figures it says so.
func (v *visit) usageSummary(id string) UsageSummary {
	u, err := v.keys.Usage(id)
	if err != nil {
		return UsageSummary{}
	}
	var allowed, denied uint64
	for _, b := range u.Hours {
		allowed, denied = allowed+b.Allowed, denied+b.Denied
	}
	return UsageSummary{Known: true, Allowed: Count(allowed), Denied: Count(denied), Hours: hourChart(u.Hours, v.keys.Now())}
}

func hourChart(from []usage.Bucket, now time.Time) Chart {
	first := now.UTC().Truncate(time.Hour).Add(-(usageHours - 1) * time.Hour)
	slots := fill(from, usageHours, func(i int) (time.Time, string, string) {
		t := first.Add(time.Duration(i) * time.Hour)
		return t, t.Format("2 Jan, 15:04"), t.Format("Mon 15:04")
	})
	return NewChart("Last 48 hours", "hour", slots, 4)
}

func dayChart(from []usage.Bucket, now time.Time) Chart {
	first := now.UTC().Truncate(day).AddDate(0, 0, 1-usageDays)
	slots := fill(from, usageDays, func(i int) (time.Time, string, string) {
		t := first.AddDate(0, 0, i)
		return t, t.Format("Mon 2 Jan 2006"), t.Format("2 Jan")
	})
	return NewChart("Last 90 days", "day", slots, 6)
}

// fill makes a slot of every hour or day, also of those that have no bucket.
func fill(from []usage.Bucket, n int, slot func(i int) (start time.Time, label, tick string)) []Slot {
	at := map[int64]usage.Bucket{}
	for _, b := range from {
		at[b.Start.Unix()] = b
	}
	slots := make([]Slot, n)
	for i := range slots {
		start, label, tick := slot(i)
		b := at[start.Unix()]
		slots[i] = Slot{label, tick, b.Allowed, b.Denied}
	}
	return slots
}

// reasonWords are the reasons of checks that name a key, as people say them.
var reasonWords = map[string]string{
	"allowed":                 "the request was let through",
	"insufficient_permission": "the key may not do that",
	"no_rule":                 "nobody may do that",
	"revoked":                 "the key was revoked",
	"disabled":                "the key was disabled",
	"expired":                 "the key had expired",
	"corrupt_record":          "the record of the key is damaged",
	"other":                   "other reasons",
}

// reasonsOf lists the totals: what was allowed first, then the most frequent.
func reasonsOf(totals map[string]uint64) []Reason {
	type total struct {
		name  string
		count uint64
	}
	var sorted []total
	for name, count := range totals {
		sorted = append(sorted, total{name, count})
	}
	slices.SortFunc(sorted, func(a, b total) int {
		if a.name == "allowed" || b.name == "allowed" {
			return cmp.Compare(index(b.name == "allowed"), index(a.name == "allowed"))
		}
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
	var reasons []Reason
	for _, t := range sorted {
		reasons = append(reasons, Reason{Name: t.name, Words: reasonWords[t.name], Allowed: t.name == "allowed", Count: Count(t.count)})
	}
	return reasons
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
