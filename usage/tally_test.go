package usage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// plain counts as a reader of the documentation would: every event is kept.
type plain struct{ events []Event }

func (p *plain) of(now time.Time) Usage {
	var u Usage
	hours, days := map[time.Time]*Bucket{}, map[time.Time]*Bucket{}
	for _, e := range p.events {
		if u.FirstSeen.IsZero() || e.At.Before(u.FirstSeen) {
			u.FirstSeen = e.At
		}
		if u.ByReason == nil {
			u.ByReason = map[string]uint64{}
		}
		u.ByReason[e.Reason]++
		for _, in := range []struct {
			all  map[time.Time]*Bucket
			long time.Duration
			most int
		}{{hours, time.Hour, 48}, {days, 24 * time.Hour, 90}} {
			start := e.At.Truncate(in.long)
			if now.Truncate(in.long).Sub(start) >= time.Duration(in.most)*in.long {
				continue
			}
			if in.all[start] == nil {
				in.all[start] = &Bucket{Start: start}
			}
			if e.Allowed {
				in.all[start].Allowed++
			} else {
				in.all[start].Denied++
			}
		}
		if e.Allowed {
			u.Allowed++
			u.LastUsed = later(u.LastUsed, e.At)
		} else {
			u.Denied++
			u.LastDenied = later(u.LastDenied, e.At)
		}
	}
	u.Hours, u.Days = inOrder(hours), inOrder(days)
	return u
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func inOrder(m map[time.Time]*Bucket) (all []Bucket) {
	for _, b := range slices.SortedFunc(maps.Values(m), func(a, b *Bucket) int { return a.Start.Compare(b.Start) }) {
		all = append(all, *b)
	}
	return all
}

func same(a, b Usage) bool {
	return a.FirstSeen.Equal(b.FirstSeen) && a.LastUsed.Equal(b.LastUsed) && a.LastDenied.Equal(b.LastDenied) &&
		a.Allowed == b.Allowed && a.Denied == b.Denied && maps.Equal(a.ByReason, b.ByReason) &&
		slices.Equal(a.Hours, b.Hours) && slices.Equal(a.Days, b.Days)
}

// TestHoursAndDays: by hour for 48 hours and by day for 90 days, with roll-over
// and gaps, whether it is stored in between, with or without a restart, or is in
// memory alone all the time.
func TestHoursAndDays(t *testing.T) {
	gaps := []time.Duration{time.Minute, time.Hour, 5 * time.Hour, 24 * time.Hour, 47 * time.Hour, 49 * time.Hour, 30 * 24 * time.Hour, 89 * 24 * time.Hour, 91 * 24 * time.Hour}
	for _, way := range []string{"memory", "flushed", "reopened"} {
		for seed := range uint64(12) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			c, path := newClock(), newPath(t)
			r := mustOpenAny(t, Options{Path: path, Now: c.Now})
			var want plain
			for step := range 120 {
				c.add(time.Duration(rnd.Int64N(int64(gaps[min(rnd.IntN(len(gaps)), rnd.IntN(len(gaps)))]))).Truncate(time.Millisecond))
				for range rnd.IntN(4) {
					e := Event{KeyID: "k", Reason: "revoked", At: c.Now()}
					if rnd.IntN(3) > 0 {
						e.Reason, e.Allowed = "allowed", true
					}
					r.Count(e)
					want.events = append(want.events, e)
				}
				if way != "memory" && rnd.IntN(3) == 0 {
					mustFlush(t, r)
				}
				if way == "reopened" && rnd.IntN(20) == 0 {
					mustClose(t, r)
					r = mustOpenAny(t, Options{Path: path, Now: c.Now})
				}
				if got, want := mustOf(t, r, "k"), want.of(c.Now()); !same(got, want) {
					t.Fatalf("%s, seed %d, step %d:\n%+v\nwant\n%+v", way, seed, step, got, want)
				}
				if got, want := r.LastUsed("k"), want.of(c.Now()).LastUsed; !got.Equal(want) {
					t.Fatalf("%s, seed %d, step %d: last used %v, want %v", way, seed, step, got, want)
				}
			}
			mustClose(t, r)
		}
	}
}

// TestFullLists: exactly the last 48 hours and 90 days are kept, the current ones
// included, oldest first; totals are kept for ever.
func TestFullLists(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	const hours = 100 * 24
	for i := range hours {
		c.add(time.Hour)
		r.Count(allowedAt("k", c.Now()))
		if i%7 == 0 {
			mustFlush(t, r)
		}
	}
	u := mustOf(t, r, "k")
	if len(u.Hours) != 48 || len(u.Days) != 90 || u.Allowed != hours {
		t.Fatalf("%d hours, %d days, %d in all", len(u.Hours), len(u.Days), u.Allowed)
	}
	for i, b := range u.Hours {
		if want := c.Now().Truncate(time.Hour).Add(time.Duration(i-47) * time.Hour); b != (Bucket{want, 1, 0}) {
			t.Errorf("hour %d: %v, want %v", i, b, want)
		}
	}
	for i, b := range u.Days {
		want := c.Now().Truncate(24 * time.Hour).Add(time.Duration(i-89) * 24 * time.Hour)
		if !b.Start.Equal(want) || b.Allowed != 24 && i != 89 || b.Start.Location() != time.UTC {
			t.Errorf("day %d: %v, want %v", i, b, want)
		}
	}
	c.add(90 * 24 * time.Hour)
	if u := mustOf(t, r, "k"); len(u.Hours) != 0 || len(u.Days) != 0 || u.Allowed != hours {
		t.Errorf("after 90 days: %d hours, %d days, %d in all", len(u.Hours), len(u.Days), u.Allowed)
	}
}

// TestDeniedIsNoUse: a revoked key that is still presented is not in use.
func TestDeniedIsNoUse(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	first := c.Now()
	r.Count(Event{KeyID: "k", Reason: "disabled", Address: "192.0.2.1"})
	if u := mustOf(t, r, "k"); !u.LastUsed.IsZero() || !r.LastUsed("k").IsZero() || !u.LastDenied.Equal(first) || !u.FirstSeen.Equal(first) {
		t.Errorf("%+v", u)
	}
	mustFlush(t, r)
	c.add(time.Minute)
	used := c.Now()
	r.Count(Event{KeyID: "k", Reason: "allowed", Allowed: true, Address: "192.0.2.2"})
	mustFlush(t, r)
	c.add(time.Minute)
	r.Count(Event{KeyID: "k", Reason: "revoked", Address: "192.0.2.3"})
	for range 2 {
		u := mustOf(t, r, "k")
		if !u.LastUsed.Equal(used) || !r.LastUsed("k").Equal(used) || !u.LastDenied.Equal(c.Now()) || !u.FirstSeen.Equal(first) || u.LastAddress != "192.0.2.3" {
			t.Errorf("%+v, last used %v", u, r.LastUsed("k"))
		}
		mustFlush(t, r)
	}
}

// TestUnknownKey: a key that was never seen is a zero Usage.
func TestUnknownKey(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	for _, id := range []string{"", "k", strings.Repeat("k", maxID+1), strings.Repeat("k", 1<<16)} {
		if u := mustOf(t, r, id); !same(u, Usage{}) || u.ByReason != nil || !r.LastUsed(id).IsZero() {
			t.Errorf("%.9s: %+v", id, u)
		}
	}
}

// TestTextsAreBounded: at most 16 reasons, of words; an address is short and
// printable.
func TestTextsAreBounded(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	send := func(reason, address string) { r.Count(Event{KeyID: "k", Reason: reason, Address: address}) }
	send("revoked", "2001:db8::1")
	for i := range 100 {
		send(fmt.Sprint("reason", i), strings.Repeat("a", maxText+1))
		if i%30 == 0 {
			mustFlush(t, r)
		}
	}
	for _, bad := range []string{"", "a\x1b[2J", "\u202e", strings.Repeat("r", maxText+1)} {
		send(bad, bad)
	}
	for range 2 {
		u := mustOf(t, r, "k")
		if len(u.ByReason) != maxReasons || u.ByReason["revoked"] != 1 || u.ByReason["reason3"] != 1 || u.LastAddress != "2001:db8::1" {
			t.Errorf("%+v", u)
		}
		var sum uint64
		for name, n := range u.ByReason {
			if sum += n; !isText(name) || name == "" {
				t.Errorf("%q", name)
			}
		}
		if sum != u.Denied || sum != 105 {
			t.Errorf("%d by reason, %d denied", sum, u.Denied)
		}
		mustFlush(t, r)
	}
}

// TestWrongClock: events of a clock that was far ahead neither push out others
// nor make a key look unused, and those from before 1970 count as now.
func TestWrongClock(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	for i := range 60 {
		r.Count(allowedAt("k", c.Now().Add(time.Duration(10+i)*365*24*time.Hour)))
		mustFlush(t, r)
	}
	r.Count(allowedAt("k", time.Date(1066, 10, 14, 9, 0, 0, 0, time.UTC)))
	r.Count(allowedAt("k", time.Unix(1<<60, 0)))
	mustFlush(t, r)
	for i := range 48 {
		c.add(time.Hour)
		r.Count(allowedAt("k", c.Now()))
		if i%2 == 0 {
			mustFlush(t, r)
		}
	}
	u := mustOf(t, r, "k")
	if len(u.Hours) != 48 || len(u.Days) != 3 || u.Allowed != 110 || !u.LastUsed.Equal(c.Now()) || u.LastUsed.After(c.Now()) {
		t.Errorf("%d hours, %d days, %+v", len(u.Hours), len(u.Days), u)
	}
}

// TestEventsOutOfOrder: the time of an event counts, not when it came.
func TestEventsOutOfOrder(t *testing.T) {
	c := newClock()
	r := mustOpen(t, Options{Path: newPath(t), Now: c.Now})
	var want plain
	for i := range 300 {
		e := allowedAt("k", c.Now().Add(-time.Duration(rand.Int64N(int64(100*24*time.Hour)))).Truncate(time.Millisecond))
		r.Count(e)
		want.events = append(want.events, e)
		if i%7 == 0 {
			mustFlush(t, r)
		}
	}
	if got, want := mustOf(t, r, "k"), want.of(c.Now()); !same(got, want) {
		t.Errorf("\n%+v\nwant\n%+v", got, want)
	}
}
