package keystore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"
)

// drawLine draws a line that is good, with everything that a record can have. No
// two have the same number.
func drawLine(t *rapid.T, h *hasher, now time.Time, number uint64) ImportLine {
	var d Digest
	copy(d[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
	binary.BigEndian.PutUint64(d[24:], number)
	past := func(name string) time.Time {
		return time.UnixMilli(rapid.Int64Range(1, now.UnixMilli()).Draw(t, name)).UTC()
	}
	id := ulid.ULID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	if err := id.SetTime(uint64(past("time of id").UnixMilli())); err != nil {
		t.Fatal(err)
	}
	text := rapid.StringMatching(`[ -~äöü日]{1,40}[a-z]`)
	binary.BigEndian.PutUint64(id[8:], number)
	l := ImportLine{
		Digest: h.digestText(d), PepperID: h.pepperID(), ID: id.String(), Name: strings.TrimSpace(text.Draw(t, "name")),
		Permission: rapid.SampledFrom([]string{"read", "write", "full", "operator"}).Draw(t, "permission"),
		Account:    "a-1", Workspace: rapid.SampledFrom([]string{"w", "w.2"}).Draw(t, "workspace"),
		Prefix: rapid.SampledFrom([]string{"", "ant_", "sk_"}).Draw(t, "prefix"), Last4: rapid.SampledFrom([]string{"", "wxYZ"}).Draw(t, "last4"),
		CreatedAt: stamp(past("created")), CreatedBy: rapid.SampledFrom([]string{"", "uid:7", "key:" + otherID}).Draw(t, "maker"),
		Disabled: rapid.Bool().Draw(t, "disabled"),
	}
	if l.Permission == "operator" && rapid.Bool().Draw(t, "wide") {
		l.Account, l.Workspace = "", ""
	}
	if rapid.Bool().Draw(t, "expires") {
		l.ExpiresAt = stamp(time.UnixMilli(rapid.Int64Range(1, now.Add(MaxLifetime).UnixMilli()).Draw(t, "expiry")))
	}
	if rapid.Bool().Draw(t, "revoked") {
		l.RevokedAt = stamp(past("revoked at"))
	}
	l.Labels = rapid.MapOfN(rapid.StringMatching(`[a-z0-9][A-Za-z0-9._/-]{0,20}`), text, 0, 4).Draw(t, "labels")
	if rapid.Bool().Draw(t, "rotated") && l.ExpiresAt != "" {
		l.ReplacedBy = otherID
		if rapid.Bool().Draw(t, "retires") {
			l.RetireUnused = time.Duration(rapid.Int64Range(int64(minRetire/time.Millisecond), int64(MaxOverlap/time.Millisecond)).Draw(t, "retire") * 1e6).String()
		}
	}
	if rapid.Bool().Draw(t, "rotation") {
		l.Replaces = someID
	}
	if len(l.Labels) == 0 {
		l.Labels = nil
	}
	return l
}

// TestExportImportsAgain: encoding and parsing a line gives the line, importing
// it the record, and exporting that the line again.
func TestExportImportsAgain(t *testing.T) {
	for name, pepper := range map[string][]byte{"plain": nil, "pepper": somePepper} {
		from := mustOpen(t, Options{Path: newPath(t), Pepper: pepper})
		to := mustOpen(t, Options{Path: newPath(t), Pepper: pepper})
		from.db.NoSync, to.db.NoSync = true, true
		from.bounds = importBounds{held: 6, records: 4, entries: 9}
		now := from.Now().Truncate(time.Millisecond)
		number := uint64(0)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				lines := map[string]ImportLine{}
				id := mustBegin(t, from)
				for range rapid.IntRange(1, 8).Draw(rt, "lines") {
					number++
					l := drawLine(rt, from.hasher, now, number)
					mustAdd(t, from, id, parsedAgain(t, l))
					lines[l.ID] = l
				}
				mustFinish(t, from, id, len(lines))
				exported := map[string]ImportLine{}
				for id := range lines {
					exported[id] = exportOne(t, from, id)
				}
				for id, want := range lines {
					if diff := cmp.Diff(want, exported[id], cmp.Comparer(sameSecret)); diff != "" {
						rt.Fatal(diff)
					}
				}
				id = mustBegin(t, to)
				for _, l := range lines {
					mustAdd(t, to, id, parsedAgain(t, exported[l.ID]))
				}
				mustFinish(t, to, id, len(lines))
				for id := range lines {
					a, err1 := from.Get(id)
					b, err2 := to.Get(id)
					if err1 != nil || err2 != nil {
						rt.Fatal(err1, err2)
					}
					moved := *b
					moved.Import = a.Import
					if diff := cmp.Diff(a, &moved); diff != "" {
						rt.Fatal(diff)
					}
				}
			})
			if diff := cmp.Diff(exportAll(t, from), exportAll(t, to), cmp.Comparer(sameSecret)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sameSecret(a, b Secret) bool { return a.Reveal() == b.Reveal() }

// parsedAgain is the line as it comes out of its JSON.
func parsedAgain(t testing.TB, l ImportLine) ImportLine {
	t.Helper()
	again, err := ParseImportLine(l.Number, l.AppendJSON(nil))
	if err != nil || !sameLine(again, l) {
		t.Fatalf("%+v became %+v, %v", l, again, err)
	}
	return again
}

// exportOne exports a key without a walk over all.
func exportOne(t testing.TB, s *Store, id string) (l ImportLine) {
	t.Helper()
	err := s.view(func(tx *reader) error {
		digest, rec, err := tx.byID(id)
		if err == nil {
			l = s.line(digest, rec)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// exportAll exports in small pages.
func exportAll(t testing.TB, s *Store) map[string]ImportLine {
	t.Helper()
	all := map[string]ImportLine{}
	last := ""
	for after := ""; ; {
		lines, next, err := s.Export(Filter{}, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.ID <= last {
				t.Fatalf("%s after %s", l.ID, last)
			}
			last = l.ID
			all[l.ID] = l
		}
		if after = next; next == "" {
			return all
		}
	}
}

// TestExport: the keys of a store, as lines, and nothing of their texts.
func TestExport(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{Name: "a", Account: "acme", Workspace: "docs"})
	mustCreate(t, s, NewKey{Name: "b", Account: "acme"})
	lines, next, err := s.Export(Filter{Account: "acme", Workspace: "docs"}, "", 9)
	if err != nil || next != "" || len(lines) != 1 {
		t.Fatal(lines, next, err)
	}
	d := s.hasher.digest(text)
	want := fmt.Sprintf(`{"digest":"sha256:%x","id":%q,"name":"a","permission":"read","account":"acme","workspace":"docs","prefix":"ant_","last4":%q,"created_at":%q,"created_by":"uid:1"}`,
		d[:], rec.ID, rec.Last4, stamp(rec.CreatedAt))
	if got := string(lines[0].AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, _, err := s.Export(Filter{}, "", MaxPage+1); err == nil {
		t.Error("a page without bound")
	}
}

// TestExportLeavesOutDamage as List does, with the alarm.
func TestExportLeavesOutDamage(t *testing.T) {
	alarms := 0
	s := mustOpen(t, Options{Path: newPath(t), OnCorrupt: func(string) { alarms++ }})
	_, text := mustCreate(t, s, NewKey{})
	good, _ := mustCreate(t, s, NewKey{})
	d := s.hasher.digest(text)
	if err := s.apply(By{}, func(w *writer) error { return w.keys.Put(d[:], append(w.keys.Get(d[:])[:40:40], make([]byte, 90)...)) }); err != nil {
		t.Fatal(err)
	}
	if lines, _, err := s.Export(Filter{}, "", 9); err != nil || len(lines) != 1 || lines[0].ID != good.ID || alarms == 0 {
		t.Errorf("%+v, %v, %d alarms", lines, err, alarms)
	}
}

// TestALineKeepsItsKeyToItself: whatever prints, logs or encodes a line, but
// AppendJSON.
func TestALineKeepsItsKeyToItself(t *testing.T) {
	l := foreign(1)
	raw, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "line", l, "pointer", &l)
	for _, shown := range []string{string(raw), log.String(), fmt.Sprint(l), fmt.Sprintf("%+v %#v %x", l, &l, []any{l})} {
		if strings.Contains(shown, l.Key.Reveal()) {
			t.Errorf("the key shows in %s", shown)
		}
	}
	if !strings.Contains(string(l.AppendJSON(nil)), l.Key.Reveal()) {
		t.Error("AppendJSON has no key")
	}
}
