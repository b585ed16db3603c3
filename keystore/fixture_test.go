package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var makeFixture = flag.Bool("make-fixture", false, "make the files in testdata/keystore anew; only for a new format")

// fixture is what a committed file of format 1 holds, kept beside it as JSON.
type fixture struct {
	StoreID  string
	Now      time.Time
	Prefixes []string
	Keys     []fixtureKey
	Audit    []AuditRecord
}

type fixtureKey struct {
	Text   string
	Status Status
	Record Record
}

func fixturePath(name string) string {
	return filepath.Join("..", "testdata", "keystore", name)
}

// TestFormat1: files that earlier versions wrote open with the records that were
// written, and go on.
func TestFormat1(t *testing.T) {
	for name, pepper := range map[string][]byte{
		"format1": nil, "format1-pepper": []byte("the pepper of the fixture, 32 bytes or more"),
	} {
		t.Run(name, func(t *testing.T) {
			if *makeFixture {
				writeFixture(t, fixturePath(name), pepper)
			}
			raw, err := os.ReadFile(fixturePath(name + ".json"))
			if err != nil {
				t.Fatal(err)
			}
			var want fixture
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			s := openFixture(t, fixturePath(name+".db"), pepper, want.Now)
			if diff := cmp.Diff(want, describeStore(t, s, want.Keys)); diff != "" {
				t.Error(diff)
			}
			checkWhole(t, s)
			mustRevoke(t, s, want.Keys[0].Record.ID)
		})
	}
}

// openFixture opens a copy.
func openFixture(t *testing.T, path string, pepper []byte, now time.Time) *Store {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := newPath(t)
	if err := os.WriteFile(copied, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, Options{Path: copied, Pepper: pepper, Clock: func() time.Time { return now }})
}

// describeStore reads everything that a fixture lists.
func describeStore(t *testing.T, s *Store, keys []fixtureKey) fixture {
	t.Helper()
	got := fixture{StoreID: s.ID(), Now: s.Now(), Prefixes: s.Prefixes(), Audit: allAudit(t, s)}
	for _, k := range keys {
		rec := mustLookup(t, s, k.Text)
		got.Keys = append(got.Keys, fixtureKey{Text: k.Text, Status: rec.Status(s.Now()), Record: *rec})
	}
	return got
}

func writeFixture(t *testing.T, path string, pepper []byte) {
	t.Helper()
	for _, end := range []string{".db", ".json"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	w := newWall()
	s := mustOpen(t, Options{Path: path + ".db", Pepper: pepper, Clock: w.read, Prefix: "old_"})
	by := By{Actor: "uid:1000", Claimed: "alice", Reason: "fixture", RequestID: "r-1"}
	var keys []fixtureKey
	add := func(k NewKey) string {
		rec, text, err := s.Create(k, by)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fixtureKey{Text: text.Reveal()})
		w.add(time.Minute)
		return rec.ID
	}
	add(NewKey{Name: "ci ü 日本", Permission: Full, Account: "acme", Workspace: "docs"})
	rotated := add(NewKey{Name: "deploy", Permission: Write, Expiry: ExpiresIn(90 * day)})
	gone := add(NewKey{Name: "leaked", Permission: Read})
	add(NewKey{Name: "brief", Permission: Read, Expiry: ExpiresIn(time.Second)})
	s.prefix = DefaultPrefix
	s.addPrefix(DefaultPrefix)
	_, _, text, err := s.Rotate(rotated, Rotation{}, by)
	if err != nil {
		t.Fatal(err)
	}
	keys = append(keys, fixtureKey{Text: text.Reveal()})
	if _, err := s.Rename(rotated, "deploy (old)", by); err != nil {
		t.Fatal(err)
	}
	mustRevoke(t, s, gone)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	if err := e.Encode(describeStore(t, s, keys)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	if err := os.WriteFile(path+".json", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
