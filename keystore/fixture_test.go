package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var makeFixture = flag.Bool("make-fixture", false, "make the files of the newest format in testdata/keystore anew; only before it is released")

// fixture is what a committed file of an earlier version holds, kept beside it
// as JSON.
type fixture struct {
	StoreID  string
	Now      time.Time
	Prefixes []string
	Keys     []fixtureKey
	Audit    []AuditRecord
	Head     string            `json:",omitempty"` // of the audit; format 1 has none
	Once     map[string]string `json:",omitempty"` // calls of uid:1000, and the keys that they made
}

type fixtureKey struct {
	Text   string
	Status Status
	Record Record
}

var fixturePepper = []byte("the pepper of the fixture, 32 bytes or more")

func fixturePath(name string) string {
	return filepath.Join("..", "testdata", "keystore", name)
}

func readFixture(t *testing.T, name string) (want fixture) {
	t.Helper()
	raw, err := os.ReadFile(fixturePath(name + ".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// TestFixtures: files that earlier versions wrote open with the records that were
// written, and go on.
func TestFixtures(t *testing.T) {
	for name, pepper := range map[string][]byte{
		"format1": nil, "format1-pepper": fixturePepper, "format2": nil, "format2-pepper": fixturePepper,
	} {
		t.Run(name, func(t *testing.T) {
			if *makeFixture && name[:7] == "format2" {
				writeFixture(t, fixturePath(name), pepper)
			}
			want := readFixture(t, name)
			s := openFixture(t, fixturePath(name+".db"), pepper, want.Now)
			got := describeStore(t, s, want.Keys)
			if got.Once = repeats(s, want.Once); want.Head == "" {
				got.Head = "" // the upgrade made the chain
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			checkWhole(t, s)
			mustRevoke(t, s, want.Keys[0].Record.ID)
			mustVerify(t, s, nil)
		})
	}
}

// copyFixture copies a file.
func copyFixture(t testing.TB, path string) (copied string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied = newPath(t)
	if err := os.WriteFile(copied, raw, fileMode); err != nil {
		t.Fatal(err)
	}
	return copied
}

// openFixture opens a copy.
func openFixture(t *testing.T, path string, pepper []byte, now time.Time) *Store {
	t.Helper()
	return mustOpen(t, Options{Path: copyFixture(t, path), Pepper: pepper, Clock: func() time.Time { return now }})
}

// describeStore reads everything that a fixture lists.
func describeStore(t *testing.T, s *Store, keys []fixtureKey) fixture {
	t.Helper()
	got := fixture{StoreID: s.ID(), Now: s.Now(), Prefixes: s.Prefixes(), Audit: allAudit(t, s), Head: s.AuditHead().String()}
	for _, k := range keys {
		rec := mustLookup(t, s, k.Text)
		got.Keys = append(got.Keys, fixtureKey{Text: k.Text, Status: rec.Status(s.Now()), Record: *rec})
	}
	return got
}

// repeats repeats calls that the store remembers.
func repeats(s *Store, once map[string]string) (made map[string]string) {
	for name := range once {
		_, _, err := s.Create(newOnce(name), By{Actor: "uid:1000"})
		var repeated *RepeatedError
		if made == nil {
			made = map[string]string{}
		}
		if made[name] = "none"; errors.As(err, &repeated) {
			made[name] = repeated.ID
		}
	}
	return made
}

// fixtureMaker makes the keys of a fixture, a minute apart.
type fixtureMaker struct {
	t    *testing.T
	s    *Store
	w    *wall
	by   By
	keys []fixtureKey
}

func (m *fixtureMaker) add(k NewKey) *Record {
	m.t.Helper()
	rec, text, err := m.s.Create(k, m.by)
	if err != nil {
		m.t.Fatal(err)
	}
	m.keys = append(m.keys, fixtureKey{Text: text.Reveal()})
	m.w.add(time.Minute)
	return rec
}

func (m *fixtureMaker) rotate(id string, r Rotation) *Record {
	m.t.Helper()
	_, fresh, text, err := m.s.Rotate(id, r, m.by)
	if err != nil {
		m.t.Fatal(err)
	}
	m.keys = append(m.keys, fixtureKey{Text: text.Reveal()})
	m.w.add(time.Minute)
	return fresh
}

func (m *fixtureMaker) importText(text string) {
	m.t.Helper()
	id, err := m.s.BeginImport(false, m.by)
	if err != nil {
		m.t.Fatal(err)
	}
	line := ImportLine{Number: 1, Key: NewSecret(text), Name: "from elsewhere", Permission: "read", Labels: map[string]string{"from": "elsewhere"}}
	if bad, err := m.s.AddToImport(id, []ImportLine{line}, ImportRights{}, m.by); bad != nil || err != nil {
		m.t.Fatal(bad, err)
	}
	if _, err := m.s.FinishImport(id, m.by); err != nil {
		m.t.Fatal(err)
	}
	m.keys = append(m.keys, fixtureKey{Text: text})
}

// writeFixture makes a file with a record of every kind, a pruned audit, an
// import that is finished, and one that is not.
func writeFixture(t *testing.T, path string, pepper []byte) {
	t.Helper()
	for _, end := range []string{".db", ".json"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	w := newWall()
	s := mustOpen(t, Options{Path: path + ".db", Pepper: pepper, Clock: w.read, Prefix: "old_"})
	m := &fixtureMaker{t: t, s: s, w: w, by: By{Actor: "uid:1000", Address: "192.0.2.7", Claimed: "alice", Reason: "fixture", RequestID: "r-1"}}
	gone := m.add(NewKey{Name: "leaked", Permission: Read})
	mustRevoke(t, s, gone.ID)
	w.add(10 * day)
	if _, err := s.PruneAudit(day, By{}); err != nil {
		t.Fatal(err)
	}
	m.add(NewKey{Name: "ci ü 日本", Permission: Full, Account: "acme", Workspace: "docs", Labels: map[string]string{LabelID: "ci", "env": "prod ü", "empty": ""}})
	m.add(NewKey{Name: "brief", Permission: Read, Expiry: ExpiresIn(time.Second)})
	backend := m.add(NewKey{Name: "backend", Permission: Operator, Account: "acme"})
	m.add(NewKey{Name: "terraform", Permission: Operator, Once: "apply-1"})
	m.by = By{Actor: madeBy + backend.ID}
	child := m.add(NewKey{Name: "child", Permission: Read, Account: "acme"})
	m.by = By{Actor: "uid:1000"}
	s.prefix = DefaultPrefix
	s.addPrefix(DefaultPrefix)
	old := m.add(NewKey{Name: "deploy", Permission: Write, Expiry: ExpiresIn(90 * day)})
	m.rotate(old.ID, Rotation{RetireUnused: time.Hour, Once: "rotate-1"})
	mustUpdate(t, s, old.ID, Change{Name: ptr("deploy (old)")})
	mustUpdate(t, s, child.ID, Change{Enabled: ptr(false), Labels: map[string]*string{"a": ptr("b")}})
	m.importText("elsewhere-0123456789abcdef")
	if _, err := s.BeginImport(false, m.by); err != nil {
		t.Fatal(err)
	}
	want := describeStore(t, s, m.keys)
	want.Once = repeats(s, map[string]string{"apply-1": ""})
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	if err := e.Encode(want); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	if err := os.WriteFile(path+".json", out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFixtureGoesOn: what waits in a file of this format is found there: an
// import to sweep, a key to retire, a call that was made.
func TestFixtureGoesOn(t *testing.T) {
	want := readFixture(t, "format2")
	s := openFixture(t, fixturePath("format2.db"), nil, want.Now)
	if err := s.SweepImports(context.Background()); err != nil {
		t.Fatal(err)
	}
	_ = s.view(func(tx *reader) error {
		if len(tx.pendingImports()) != 0 {
			t.Error("the unfinished import is still there")
		}
		return nil
	})
	if got := retiring(t, s); len(got) != 1 {
		t.Errorf("to retire: %v", got)
	}
	if id := exists(t, s, NewKey{Account: "acme", Workspace: "docs", Labels: map[string]string{LabelID: "ci"}}); id != want.Keys[1].Record.ID {
		t.Errorf("by its label: %q", id)
	}
	for _, k := range want.Keys {
		if k.Record.Name == "backend" {
			if n, err := s.Made(k.Record.ID); n != 1 || err != nil {
				t.Errorf("made %d, %v", n, err)
			}
		}
	}
	mustVerify(t, s, nil)
}
