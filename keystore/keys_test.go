package keystore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCreateRefuses(t *testing.T) {
	s := openNew(t)
	key := mustMint(t, "ant_")
	good := NewKey{Name: "n", Permission: Read}
	for name, c := range map[string]struct {
		spoil func(*NewKey)
		field string
	}{
		"no name":        {func(k *NewKey) { k.Name = " \t" }, "name"},
		"long name":      {func(k *NewKey) { k.Name = strings.Repeat("x", MaxName+1) }, "name"},
		"control":        {func(k *NewKey) { k.Name = "a\x1b[2J" }, "name"},
		"line break":     {func(k *NewKey) { k.Name = "a\nb" }, "name"},
		"right-to-left":  {func(k *NewKey) { k.Name = "a\u202eb" }, "name"},
		"bytes":          {func(k *NewKey) { k.Name = "a\xff" }, "name"},
		"key as name":    {func(k *NewKey) { k.Name = "my " + key }, "name"},
		"no permission":  {func(k *NewKey) { k.Permission = 0 }, "permission"},
		"permission":     {func(k *NewKey) { k.Permission = 5 }, "permission"},
		"account":        {func(k *NewKey) { k.Account = "a/b" }, "account"},
		"key as account": {func(k *NewKey) { k.Account = key }, "account"},
		"long account":   {func(k *NewKey) { k.Account = strings.Repeat("a", 64) }, "account"},
		"dash workspace": {func(k *NewKey) { k.Workspace = "-a" }, "workspace"},
		"space":          {func(k *NewKey) { k.Workspace = "a b" }, "workspace"},
		"past":           {func(k *NewKey) { k.Expiry = ExpiresAt(time.Now().Add(-time.Hour)) }, "expires"},
		"short":          {func(k *NewKey) { k.Expiry = ExpiresIn(999 * time.Millisecond) }, "expires"},
		"long":           {func(k *NewKey) { k.Expiry = ExpiresIn(MaxLifetime + time.Second) }, "expires"},
	} {
		k := good
		c.spoil(&k)
		rec, text, err := s.Create(k, By{})
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != c.field || rec != nil || text.Reveal() != "" {
			t.Errorf("%s: %+v, %v", name, rec, err)
		}
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if audit := allAudit(t, s); len(audit) != 0 {
		t.Errorf("audit %+v", audit)
	}
}

func TestCreateAccepts(t *testing.T) {
	s := openNew(t)
	for _, name := range []string{"x", strings.Repeat("ü", MaxName), "<img src=x onerror=alert(1)>", "日本 🔑", "=1+1"} {
		if rec, text := mustCreate(t, s, NewKey{Name: name}); mustLookup(t, s, text).Name != name || rec.Account != "default" {
			t.Errorf("%q: %+v", name, rec)
		}
	}
	rec, _ := mustCreate(t, s, NewKey{Account: "a.b-c_D", Workspace: strings.Repeat("w", 63)})
	if rec.Account != "a.b-c_D" || len(rec.Workspace) != 63 {
		t.Errorf("%+v", rec)
	}
}

func TestByIsBounded(t *testing.T) {
	s := openNew(t)
	rec, _ := mustCreate(t, s, NewKey{})
	for field, by := range map[string]By{
		"actor":      {Actor: strings.Repeat("a", MaxWho+1)},
		"claimed":    {Claimed: "a\nb"},
		"reason":     {Reason: strings.Repeat("r", MaxReason+1)},
		"request_id": {RequestID: "\x00"},
	} {
		var invalid *InvalidError
		if _, err := s.Revoke(rec.ID, by); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := s.Revoke(rec.ID, By{Reason: "leaked " + mustMint(t, "ant_")}); err == nil {
		t.Error("a reason that holds a key")
	}
	if got, err := s.Get(rec.ID); err != nil || got.Status(s.Now()) != Active {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUnknownID(t *testing.T) {
	s := openNew(t)
	_, text := mustCreate(t, s, NewKey{})
	for _, id := range []string{"", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav", "81ARZ3NDEKTSV4RRFFQ69G5FAV", text} {
		_, err1 := s.Get(id)
		_, err2 := s.Rename(id, "x", By{})
		_, err3 := s.Revoke(id, By{})
		_, _, _, err4 := s.Rotate(id, Rotation{}, By{})
		for _, err := range []error{err1, err2, err3, err4} {
			var missing *NotFoundError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), "`keygate keys list` shows them") || strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
	if _, err := s.Get("01ARZ3NDEKTSV4RRFFQ69G5FAV"); !strings.HasPrefix(err.Error(), "no key 01ARZ3NDEKTSV4RRFFQ69G5FAV;") {
		t.Errorf("got %v", err)
	}
}

func TestRename(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{Name: "a", Permission: Write, Expiry: ExpiresIn(time.Hour)})
	for range 2 {
		got, err := s.Rename(rec.ID, " b ", By{Actor: "uid:7", Claimed: "eve", Reason: "typo", RequestID: "r1"})
		want := *rec
		want.Name = "b"
		if err != nil || !same(got, &want) || !same(mustLookup(t, s, text), &want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	audit := allAudit(t, s)
	if len(audit) != 2 {
		t.Fatalf("audit %+v", audit)
	}
	a := audit[1]
	if a.Action != "rename" || a.KeyID != rec.ID || a.From["name"] != "a" || a.To["name"] != "b" ||
		a.By != (By{Actor: "uid:7", Claimed: "eve", Reason: "typo", RequestID: "r1"}) || a.At.Before(rec.CreatedAt) {
		t.Errorf("audit %+v", a)
	}
	if _, err := s.Rename(rec.ID, "", By{}); err == nil {
		t.Error("renamed to nothing")
	}
}

// TestRevokeTwice: done, the same answer, one audit record.
func TestRevokeTwice(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	rec, _ := mustCreate(t, s, NewKey{})
	first := mustRevoke(t, s, rec.ID)
	w.add(time.Hour)
	if again := mustRevoke(t, s, rec.ID); !same(again, first) || first.RevokedAt.IsZero() {
		t.Errorf("%+v, then %+v", first, again)
	}
	if n := len(allAudit(t, s)); n != 2 {
		t.Errorf("%d audit records", n)
	}
	var refused *RefusedError
	if _, err := s.Rename(rec.ID, "x", By{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("rename: %v", err)
	}
	if _, _, _, err := s.Rotate(rec.ID, Rotation{}, By{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("rotate: %v", err)
	}
}

func TestStatusOrder(t *testing.T) {
	now := time.Now()
	past, future := now.Add(-1), now.Add(1)
	for _, c := range []struct {
		r    Record
		want Status
	}{
		{Record{}, Active},
		{Record{ExpiresAt: future}, Active},
		{Record{ExpiresAt: now}, Expired},
		{Record{ExpiresAt: future, ReplacedBy: "x"}, Retiring},
		{Record{ExpiresAt: past, ReplacedBy: "x"}, Expired},
		{Record{ExpiresAt: past, Disabled: true}, Disabled},
		{Record{ReplacedBy: "x", Disabled: true, RevokedAt: past, ExpiresAt: past}, Revoked},
	} {
		if got := c.r.Status(now); got != c.want {
			t.Errorf("%+v: %s", c.r, got)
		}
	}
}

func TestPermissions(t *testing.T) {
	for _, p := range []Permission{0, Read, Write, Full, 4, 255} {
		for _, need := range []Permission{0, Read, Write, Full, 4, 255} {
			want := p >= 1 && p <= 3 && need >= 1 && need <= 3 && p >= need
			if p.Allows(need) != want {
				t.Errorf("%v allows %v: %v", p, need, !want)
			}
		}
		text, err := p.MarshalText()
		var back Permission
		if p.Valid() != (err == nil) || p.Valid() && (back.UnmarshalText(text) != nil || back != p) {
			t.Errorf("%v: %s, %v, back %v", p, text, err, back)
		}
	}
	for _, s := range []string{"", "Read", "deny", "public", "permission(0)"} {
		if p, err := ParsePermission(s); err == nil || p != 0 {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range []string{"", "unreadable", "Active"} {
		if st, err := ParseStatus(s); err == nil || st != "" {
			t.Errorf("%q: %v", s, st)
		}
	}
}
