package keystore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRotate(t *testing.T) {
	hour, zero, month, tooLong, negative := time.Hour, time.Duration(0), MaxOverlap, MaxOverlap+1, -time.Second
	never, week := Expiry{}, ExpiresIn(7*day)
	for _, c := range []struct {
		name             string
		lifetime         Expiry
		age              time.Duration // of the key when it is rotated
		r                Rotation
		oldEnds, newEnds time.Duration // from the rotation; 0 = never; the old one never has none
		err              string
	}{
		{name: "defaults", oldEnds: 24 * time.Hour},
		{name: "lifetime goes on", lifetime: ExpiresIn(10 * day), age: 3 * day, oldEnds: 24 * time.Hour, newEnds: 10 * day},
		{name: "own expiry first", lifetime: ExpiresIn(2 * time.Hour), age: hour, oldEnds: hour, newEnds: 2 * hour},
		{name: "overlap", r: Rotation{Overlap: &hour}, oldEnds: hour},
		{name: "longest", r: Rotation{Overlap: &month}, oldEnds: month},
		{name: "at once", r: Rotation{Overlap: &zero}, oldEnds: -1},
		{name: "expiry given", lifetime: ExpiresIn(day), r: Rotation{Expiry: &week}, oldEnds: day, newEnds: 7 * day},
		{name: "never given", lifetime: ExpiresIn(day), r: Rotation{Expiry: &never}, oldEnds: day},
		{name: "too long", r: Rotation{Overlap: &tooLong}, err: "overlap: 720h0m0.000000001s is not between 0 and 30 days"},
		{name: "negative", r: Rotation{Overlap: &negative}, err: "overlap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWall()
			s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
			rec, text := mustCreate(t, s, NewKey{Name: "n", Permission: Write, Account: "a", Workspace: "w", Expiry: c.lifetime})
			w.add(c.age)
			now := s.Now()
			old, fresh, secret, err := s.Rotate(rec.ID, c.r, By{})
			if c.err != "" {
				var invalid *InvalidError
				if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.err) || len(allAudit(t, s)) != 1 {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ends := func(d time.Duration) time.Time {
				if d == 0 {
					return time.Time{}
				}
				return now.Add(max(d, 0))
			}
			wantOld, wantNew := *rec, *rec
			wantOld.ReplacedBy, wantOld.ExpiresAt = fresh.ID, ends(c.oldEnds)
			wantNew.CreatedBy = "" // the rotation below names no actor
			wantNew.ID, wantNew.Last4, wantNew.CreatedAt, wantNew.ExpiresAt, wantNew.Replaces = fresh.ID, fresh.Last4, now, ends(c.newEnds), rec.ID
			if !same(old, &wantOld) || !same(fresh, &wantNew) {
				t.Errorf("old %+v, want %+v; new %+v, want %+v", old, wantOld, fresh, wantNew)
			}
			if !same(mustLookup(t, s, text), old) || !same(mustLookup(t, s, secret.Reveal()), fresh) {
				t.Error("the file says otherwise")
			}
			if got, want := old.Status(now), map[bool]Status{true: Expired, false: Retiring}[c.oldEnds == -1]; got != want {
				t.Errorf("the old key is %s", got)
			}
			checkWhole(t, s)
		})
	}
}

// TestRotateRefuses every key but an active one without a successor.
func TestRotateRefuses(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	retiring, _ := mustCreate(t, s, NewKey{})
	_, next, _, err := s.Rotate(retiring.ID, Rotation{}, By{})
	if err != nil {
		t.Fatal(err)
	}
	expired, _ := mustCreate(t, s, NewKey{Expiry: ExpiresIn(time.Second)})
	disabled, _ := mustCreate(t, s, NewKey{})
	if _, err := s.edit(disabled.ID, By{}, func(w *writer, rec *Record) (bool, error) { rec.Disabled = true; return true, nil }); err != nil {
		t.Fatal(err)
	}
	w.add(time.Second)
	before := len(allAudit(t, s))
	for id, want := range map[string]string{
		retiring.ID: "its successor is " + next.ID, expired.ID: "is expired", disabled.ID: "is disabled",
	} {
		old, fresh, text, err := s.Rotate(id, Rotation{}, By{})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.ID != id || !strings.Contains(err.Error(), want) || old != nil || fresh != nil || text.Reveal() != "" {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if len(allAudit(t, s)) != before || len(allRecords(t, s)) != 4 {
		t.Error("something was written")
	}
}
