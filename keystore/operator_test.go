package keystore

import (
	"errors"
	"testing"
)

// TestOperatorKeys: their scope is what was given, and wider where nothing was.
func TestOperatorKeys(t *testing.T) {
	s := openNew(t)
	for _, c := range []struct {
		account, workspace string
		field              string // of the refusal
	}{
		{"", "", ""}, {"acme", "", ""}, {"acme", "docs", ""}, {"", "docs", "account"}, {"-", "", "account"}, {"acme", "a b", "workspace"},
	} {
		rec, text, err := s.Create(NewKey{Name: "o", Permission: Operator, Account: c.account, Workspace: c.workspace}, By{})
		var invalid *InvalidError
		if c.field != "" {
			if !errors.As(err, &invalid) || invalid.Field != c.field {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil || rec.Account != c.account || rec.Workspace != c.workspace || !same(mustLookup(t, s, text.Reveal()), rec) {
			t.Errorf("%+v: %+v, %v", c, rec, err)
		}
		_, next, _, err := s.Rotate(rec.ID, Rotation{}, By{})
		if err != nil || next.Account != c.account || next.Workspace != c.workspace || next.Permission != Operator {
			t.Errorf("%+v rotated: %+v, %v", c, next, err)
		}
	}
	checkWhole(t, s)
}

// TestOperatorAllowsNothing, and nothing else allows what needs one.
func TestOperatorAllowsNothing(t *testing.T) {
	for _, p := range []Permission{0, Read, Write, Full, Operator} {
		if Operator.Allows(p) || p.Allows(Operator) {
			t.Errorf("operator and %s", p)
		}
	}
}

// TestCodecOfScopes: no other key is without an account and a workspace, nor is
// one of version 1 an operator's.
func TestCodecOfScopes(t *testing.T) {
	s := openNew(t)
	base, _ := mustCreate(t, s, NewKey{})
	for _, c := range []struct {
		permission         Permission
		account, workspace string
		ok                 bool
	}{
		{Operator, "", "", true}, {Operator, "a", "", true}, {Operator, "a", "w", true}, {Operator, "", "w", false}, {Operator, "-", "", false},
		{Full, "a", "w", true}, {Full, "", "", false}, {Full, "a", "", false}, {Full, "", "w", false}, {Read, "a", "-", false},
	} {
		rec := *base
		rec.Permission, rec.Account, rec.Workspace = c.permission, c.account, c.workspace
		encoded, err := appendRecord(nil, &rec)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if c.ok {
			if back, err := decodeRecord(encoded); err != nil || !same(back, &rec) {
				t.Errorf("%+v: %+v, %v", c, back, err)
			}
		}
	}
	old := version1(base)
	if _, err := decodeRecord(old); err != nil {
		t.Fatal(err)
	}
	old[17] = byte(Operator)
	if rec, err := decodeRecord(old); err == nil {
		t.Errorf("an operator key of version 1: %+v", rec)
	}
}

// version1 encodes a record as format 1 did.
func version1(rec *Record) []byte {
	encoded, _ := appendRecord(nil, rec)
	old := append([]byte{1}, encoded[1:fixedLength1]...)
	return appendStrings(old, rec.Prefix, rec.Last4, rec.Account, rec.Workspace, rec.Name)
}
