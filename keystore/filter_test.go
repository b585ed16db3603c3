package keystore

import (
	"testing"
	"time"
)

// TestFilter: each field by itself, and what a record must be to miss it.
func TestFilter(t *testing.T) {
	now := time.Now()
	rec := Record{
		Name: "Ünder CI", Permission: Write, Account: "a", Workspace: "w", Last4: "WXYZ", CreatedAt: now.Add(-time.Hour),
		ExpiresAt: now.Add(time.Hour), Labels: map[string]string{"env": "prod", "id": "7", "empty": ""},
	}
	yes := func(*Record) bool { return true }
	for _, c := range []struct {
		name  string
		f     Filter
		wants bool
	}{
		{"nothing", Filter{}, true},
		{"account", Filter{Account: "a"}, true}, {"other account", Filter{Account: "A"}, false},
		{"workspace", Filter{Workspace: "w"}, true}, {"other workspace", Filter{Workspace: "a"}, false},
		{"permission", Filter{Permission: Write}, true}, {"lower permission", Filter{Permission: Read}, false},
		{"status", Filter{Status: Active}, true}, {"other status", Filter{Status: Expired}, false},
		{"last 4", Filter{Last4: "WXYZ"}, true}, {"last 3", Filter{Last4: "XYZ"}, false},
		{"name", Filter{NamePrefix: "Ünder CI"}, true}, {"case", Filter{NamePrefix: "üNDER c"}, true},
		{"end of the name", Filter{NamePrefix: "CI"}, false}, {"longer than the name", Filter{NamePrefix: "Ünder CI x"}, false},
		{"created", Filter{CreatedBefore: now.Add(-time.Hour + 1)}, true}, {"created then", Filter{CreatedBefore: now.Add(-time.Hour)}, false},
		{"expires", Filter{ExpiresBefore: now.Add(time.Hour + 1)}, true}, {"expires then", Filter{ExpiresBefore: now.Add(time.Hour)}, false},
		{"label", Filter{Labels: map[string]string{"env": "prod"}}, true}, {"labels", Filter{Labels: map[string]string{"env": "prod", "id": "7"}}, true},
		{"one label differs", Filter{Labels: map[string]string{"env": "prod", "id": "8"}}, false},
		{"empty label", Filter{Labels: map[string]string{"empty": ""}}, true}, {"absent label", Filter{Labels: map[string]string{"none": ""}}, false},
		{"match", Filter{Match: yes}, true}, {"no match", Filter{Match: func(*Record) bool { return false }}, false},
		{"all", Filter{
			Account: "a", Workspace: "w", Status: Active, Permission: Write, Labels: map[string]string{"id": "7"}, NamePrefix: "ü", Last4: "WXYZ",
			ExpiresBefore: now.Add(day), CreatedBefore: now, Newest: true, Match: yes,
		}, true},
	} {
		if got := c.f.matches(&rec, now); got != c.wants {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestExpiresBefore chooses what is still to end: not what has, nor what never will.
func TestExpiresBefore(t *testing.T) {
	now := time.Now()
	f := Filter{ExpiresBefore: now.Add(7 * day)}
	for name, c := range map[string]struct {
		rec   Record
		wants bool
	}{
		"soon":     {Record{ExpiresAt: now.Add(1)}, true},
		"disabled": {Record{ExpiresAt: now.Add(1), Disabled: true}, true},
		"retiring": {Record{ExpiresAt: now.Add(1), ReplacedBy: "x"}, true},
		"never":    {Record{}, false},
		"expired":  {Record{ExpiresAt: now}, false},
		"revoked":  {Record{ExpiresAt: now.Add(1), RevokedAt: now}, false},
		"later":    {Record{ExpiresAt: now.Add(7 * day)}, false},
	} {
		if got := f.matches(&c.rec, now); got != c.wants {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCensus counts by status, and what expires soon as the filter does.
func TestCensus(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	if c, err := s.Census(); err != nil || len(c.ByStatus) != 0 || c.ExpiringSoon != 0 {
		t.Errorf("an empty store: %+v, %v", c, err)
	}
	mustCreate(t, s, NewKey{})
	mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Second)})
	mustCreate(t, s, NewKey{Expiry: ExpiresIn(ExpiringSoon)})
	mustCreate(t, s, NewKey{Expiry: ExpiresIn(ExpiringSoon + time.Second)})
	off, _ := mustCreate(t, s, NewKey{Expiry: ExpiresIn(day)})
	mustUpdate(t, s, off.ID, Change{Enabled: ptr(false)})
	mustRetire(t, s, time.Hour, 0)
	gone, _ := mustCreate(t, s, NewKey{Expiry: ExpiresIn(day)})
	mustRevoke(t, s, gone.ID)
	w.add(time.Second)
	c, err := s.Census()
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[Status]int{Active: 4, Expired: 1, Disabled: 1, Retiring: 1, Revoked: 1} {
		if c.ByStatus[status] != want {
			t.Errorf("%d are %s, want %d", c.ByStatus[status], status, want)
		}
	}
	soon := walk(t, s, Filter{ExpiresBefore: s.Now().Add(ExpiringSoon)}, 5)
	if c.ExpiringSoon != 3 || len(soon) != 3 {
		t.Errorf("%d expire soon, the list has %d", c.ExpiringSoon, len(soon))
	}
}
