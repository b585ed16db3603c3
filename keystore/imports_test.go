package keystore

import (
	"errors"
	"fmt"
	"testing"
)

var importer = By{Actor: "uid:1"}

// foreign is a key from elsewhere, with nothing but what is required.
func foreign(number int) ImportLine {
	return ImportLine{Number: number, Key: NewSecret(foreignText(number)), Name: "n", Permission: "read"}
}

func foreignText(number int) string { return fmt.Sprintf("sk-live-%032x", number*7919) }

func foreigners(from, count int) []ImportLine {
	lines := make([]ImportLine, 0, count)
	for n := range count {
		lines = append(lines, foreign(from+n))
	}
	return lines
}

func mustBegin(t testing.TB, s *Store) string {
	t.Helper()
	id, err := s.BeginImport(false, importer)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func mustAdd(t testing.TB, s *Store, id string, lines ...ImportLine) {
	t.Helper()
	bad, err := s.AddToImport(id, lines, ImportRights{Operator: true, Makers: true}, importer)
	if err != nil || len(bad) != 0 {
		t.Fatal(bad, err)
	}
}

func mustFinish(t testing.TB, s *Store, id string, want int) {
	t.Helper()
	if count, err := s.FinishImport(id, importer); err != nil || count != want {
		t.Fatal(count, err)
	}
}

// TestImport: no key of an import works before it is finished, and all do after.
func TestImport(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	made, text := mustCreate(t, s, NewKey{})
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 30)...)
	mustAdd(t, s, id, foreigners(30, 30)...)
	for n := range 60 {
		if _, err := s.Lookup(foreignText(n)); !errors.Is(err, ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	mustFinish(t, s, id, 60)
	for range 2 {
		for n := range 60 {
			if rec := mustLookup(t, s, foreignText(n)); rec.Import != id || rec.CreatedBy != importer.Actor || rec.Last4 != foreignText(n)[36:] {
				t.Errorf("%+v", rec)
			}
		}
		if all := allRecords(t, s); len(all) != 61 || all[made.ID] == nil || !same(mustLookup(t, s, text), made) {
			t.Errorf("%d records", len(all))
		}
		mustClose(t, s)
		s = mustOpen(t, Options{Path: path})
	}
}
