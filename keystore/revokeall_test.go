package keystore

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestRevokeAll: what the filter chooses and has not ended, counted before.
func TestRevokeAll(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter func(w *wall) Filter
		want   []string
	}{
		{"account", func(*wall) Filter { return Filter{Account: "a"} }, []string{"a/v", "a/w", "a/w disabled", "a/w retiring"}},
		{"workspace", func(*wall) Filter { return Filter{Account: "a", Workspace: "w"} }, []string{"a/w", "a/w disabled", "a/w retiring"}},
		{"age", func(w *wall) Filter { return Filter{CreatedBefore: w.read().Add(-time.Minute)} }, []string{"a/w disabled", "a/w retiring", "b/w"}},
		{"age and account", func(w *wall) Filter { return Filter{CreatedBefore: w.read().Add(-time.Minute), Account: "b"} }, []string{"b/w"}},
		{"nobody", func(*wall) Filter { return Filter{Account: "c"} }, nil},
		{"and more", func(*wall) Filter { return Filter{Account: "a", NamePrefix: "A/V"} }, []string{"a/v"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWall()
			s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
			add := func(name string, k NewKey) *Record {
				k.Name, k.Account, k.Workspace = name, name[:1], name[2:3]
				rec, _ := mustCreate(t, s, k)
				return rec
			}
			mustRevoke(t, s, add("a/w gone", NewKey{}).ID)
			add("a/w expired", NewKey{Expiry: ExpiresIn(time.Minute)})
			mustUpdate(t, s, add("a/w disabled", NewKey{}).ID, Change{Enabled: ptr(false)})
			old := add("a/w retiring", NewKey{})
			add("b/w", NewKey{})
			w.add(time.Hour)
			old, next, _, err := s.Rotate(old.ID, Rotation{}, By{})
			if err != nil {
				t.Fatal(err)
			}
			mustRevoke(t, s, next.ID)
			_ = old
			add("a/w", NewKey{})
			add("a/v", NewKey{})
			head, f := s.AuditHead(), c.filter(w)
			if n, err := s.RevokeAll(f, true, By{}); n != len(c.want) || err != nil || s.AuditHead() != head {
				t.Errorf("dry run: %d, %v", n, err)
			}
			before := allRecords(t, s)
			if n, err := s.RevokeAll(f, false, By{Reason: "leak day"}); n != len(c.want) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			var got []string
			for id, rec := range allRecords(t, s) {
				if !same(rec, before[id]) {
					got = append(got, rec.Name)
				}
				if !same(rec, before[id]) && rec.RevokedAt != w.read() {
					t.Errorf("%+v", rec)
				}
			}
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("revoked %v, want %v", got, c.want)
			}
			page, _, err := s.AuditList(AuditQuery{After: head.Seq, Limit: MaxPage})
			if err != nil || len(page) != len(c.want) || len(page) > 0 && (page[0].To["cause"] != "one of many" || page[0].Reason != "leak day") {
				t.Errorf("audit %+v, %v", page, err)
			}
			checkWhole(t, s)
		})
	}
}

// TestRevokeAllWantsAFilter: everything at once is a slip.
func TestRevokeAllWantsAFilter(t *testing.T) {
	s := openNew(t)
	mustCreate(t, s, NewKey{})
	for _, f := range []Filter{{}, {Status: Active}, {Permission: Read}, {NamePrefix: "t"}, {Labels: map[string]string{"a": "b"}}, {ExpiresBefore: time.Now()}} {
		for _, dryRun := range []bool{false, true} {
			var invalid *InvalidError
			if n, err := s.RevokeAll(f, dryRun, By{}); n != 0 || !errors.As(err, &invalid) || invalid.Field != "account" {
				t.Errorf("%+v: %d, %v", f, n, err)
			}
		}
	}
}
