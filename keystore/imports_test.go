package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"
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

// contents is everything in the buckets that an import writes to.
func contents(t testing.TB, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.view(func(tx *reader) error {
		for _, b := range tx.newerBuckets() {
			if err := (*b.into).ForEach(func(k, v []byte) error { all[fmt.Sprintf("%s %x", b.name, k)] = string(v); return nil }); err != nil {
				return err
			}
		}
		for name, bucket := range map[string]interface {
			ForEach(func(k, v []byte) error) error
		}{"keys": tx.keys, "ids": tx.ids} {
			if err := bucket.ForEach(func(k, v []byte) error { all[fmt.Sprintf("%s %x", name, k)] = string(v); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tiny makes an import store a record or two at once.
var tiny = importBounds{held: 1, records: 2, entries: 2}

// linked are lines that have entries in every part of finds.
func linked(maker string) []ImportLine {
	const old, next = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"
	lines := foreigners(1, 4)
	lines[0].Labels = map[string]string{LabelID: "customer-7"}
	lines[1].CreatedBy = "key:" + maker
	lines[2].ID, lines[2].ReplacedBy, lines[2].ExpiresAt, lines[2].RetireUnused = old, next, "2d", "1h"
	lines[3].ID, lines[3].Replaces, lines[3].Labels = next, old, map[string]string{"team": "a"}
	return lines
}

// TestNobodySeesAnUnfinishedImport walks over everything that reads records, or
// changes them, while an import is stored and not finished.
func TestNobodySeesAnUnfinishedImport(t *testing.T) {
	s := openNew(t)
	s.bounds = tiny
	maker, _ := mustCreate(t, s, NewKey{Name: "maker", Permission: Operator})
	before := contents(t, s)
	id := mustBegin(t, s)
	lines := linked(maker.ID)
	mustAdd(t, s, id, lines...)
	var pending []*Record
	err := s.view(func(tx *reader) error {
		return tx.keys.ForEach(func(k, v []byte) error {
			if rec, err := tx.open(k, v); err != nil {
				return err
			} else if rec.ID != maker.ID {
				pending = append(pending, rec)
			}
			return nil
		})
	})
	if err != nil || len(pending) != len(lines) || len(contents(t, s)) != len(before)+1+4+4+4+4+1+1+1 {
		t.Fatalf("%d records are stored, %d entries, %v", len(pending), len(contents(t, s))-len(before), err)
	}
	s.imported.Store(true) // as after an earlier import: foreign texts are looked up
	for range 2 {
		for _, rec := range pending {
			mustNotExist(t, s, rec)
		}
		mustSeeOnly(t, s, maker)
		s.unindexed.Store(1) // makes List read the records themselves
	}
	s.unindexed.Store(0)
	mustNotExistUnindexed(t, s, pending)
	absent := NewKey{Name: "n", Permission: Read, Labels: map[string]string{LabelID: "customer-7"}, IfAbsent: true}
	rec, _, err := s.Create(absent, By{})
	if err != nil {
		t.Fatal(err)
	}
	mustRevoke(t, s, rec.ID)
	mustFinish(t, s, id, len(lines))
	for _, rec := range pending {
		if got, err := s.Get(rec.ID); err != nil || !same(got, rec) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	var exists *ExistsError
	if _, _, err := s.Create(absent, By{}); !errors.As(err, &exists) {
		t.Errorf("the label is not found: %v", err)
	}
	if living, err := s.Made(maker.ID); err != nil || living != 1 {
		t.Errorf("%d living, %v", living, err)
	}
	if retiring, err := s.Retiring(); err != nil || len(retiring) != 1 {
		t.Errorf("%v, %v", retiring, err)
	}
	if all := allRecords(t, s); len(all) != 6 {
		t.Errorf("%d records", len(all))
	}
}

func mustNotExist(t *testing.T, s *Store, rec *Record) {
	t.Helper()
	name := "x"
	_, err1 := s.Get(rec.ID)
	_, err2 := s.GetIndexed(rec.ID)
	_, err3 := s.Update(rec.ID, Change{Name: &name}, By{})
	_, err4 := s.Revoke(rec.ID, By{})
	_, _, _, err5 := s.Rotate(rec.ID, Rotation{}, By{})
	_, err6 := s.RevokeDescendants(rec.ID, By{})
	_, err7 := s.EndUnused(rec.ID, By{})
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		var missing *NotFoundError
		if !errors.As(err, &missing) || err.Error() != (&NotFoundError{ID: rec.ID}).Error() {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
}

// mustNotExistUnindexed is mustNotExist while the index does not lead to the keys.
func mustNotExistUnindexed(t *testing.T, s *Store, pending []*Record) {
	t.Helper()
	kept := map[ulid.ULID]Digest{}
	change := func(do func(w *writer, id ulid.ULID) error) {
		for _, rec := range pending {
			id, _ := parseID(rec.ID)
			if err := s.apply(By{}, func(w *writer) error { return do(w, id) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	change(func(w *writer, id ulid.ULID) error {
		kept[id] = Digest(w.ids.Get(id[:]))
		return w.ids.Delete(id[:])
	})
	for _, rec := range pending {
		mustNotExist(t, s, rec)
	}
	change(func(w *writer, id ulid.ULID) error {
		digest := kept[id]
		return w.ids.Put(id[:], digest[:])
	})
}

func mustSeeOnly(t *testing.T, s *Store, rec *Record) {
	t.Helper()
	for n := range 9 {
		if _, err := s.Lookup(foreignText(n)); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%d: %v", n, err)
		}
	}
	for _, f := range []Filter{{}, {Newest: true}, {Account: "default"}, {Account: "default", Workspace: "default"}, {NamePrefix: "n"}} {
		records, next, err := s.List(f, "", 9)
		lines, _, err2 := s.Export(f, "", 9)
		if err != nil || err2 != nil || next != "" || len(records) != len(lines) || len(records) > 1 || len(records) == 1 && records[0].ID != rec.ID {
			t.Errorf("%+v: %+v, %v, %v", f, records, err, err2)
		}
	}
	count, err := s.Census()
	if err != nil || !cmp.Equal(count, Count{ByStatus: map[Status]int{Active: 1}}) {
		t.Errorf("%+v, %v", count, err)
	}
	living, err := s.Made(rec.ID)
	retiring, err2 := s.Retiring()
	dry, err3 := s.RevokeAll(Filter{Account: "default"}, true, By{})
	wet, err4 := s.RevokeAll(Filter{Account: "default"}, false, By{})
	if living+len(retiring)+dry+wet != 0 || errors.Join(err, err2, err3, err4) != nil {
		t.Errorf("%d made, %d retiring, %d and %d to be revoked: %v", living, len(retiring), dry, wet, errors.Join(err, err2, err3, err4))
	}
}

// TestAbortLeavesNothing: an aborted import leaves the buckets as they were, to
// the byte, and its keys can be imported again.
func TestAbortLeavesNothing(t *testing.T) {
	s := openNew(t)
	s.bounds = tiny
	maker, _ := mustCreate(t, s, NewKey{})
	for range 20 {
		mustCreate(t, s, NewKey{Labels: map[string]string{LabelID: "x"}})
	}
	before := contents(t, s)
	for range 2 {
		id := mustBegin(t, s)
		mustAdd(t, s, id, linked(maker.ID)...)
		mustAdd(t, s, id, foreigners(10, 50)...)
		if err := s.AbortImport(id, importer); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, contents(t, s)); diff != "" {
			t.Fatal(diff)
		}
		if _, err := s.AddToImport(id, foreigners(90, 1), ImportRights{}, importer); !errors.Is(err, ErrNoImport) {
			t.Fatal(err)
		}
	}
	id := mustBegin(t, s)
	mustAdd(t, s, id, linked(maker.ID)...)
	mustFinish(t, s, id, 4)
}

// TestSweepAfterARestart: what an import has left when the process ended is
// removed, and what was finished is not.
func TestSweepAfterARestart(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	finished := mustBegin(t, s)
	mustAdd(t, s, finished, foreigners(10, 5)...)
	mustFinish(t, s, finished, 5)
	before := contents(t, s)
	s.bounds = tiny
	id := mustBegin(t, s)
	mustAdd(t, s, id, linked(finished)...)
	mustClose(t, s)

	s = mustOpen(t, Options{Path: path})
	s.bounds = tiny
	if _, err := s.AddToImport(id, foreigners(9, 1), ImportRights{}, importer); !errors.Is(err, ErrNoImport) {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if err := s.SweepImports(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("swept with %v", err)
	}
	if err := s.SweepImports(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, contents(t, s)); diff != "" {
		t.Error(diff)
	}
	for n := range 5 {
		mustLookup(t, s, foreignText(10+n))
	}
}

// TestOneImportAtATime: a second is refused until the first has had no call for
// a minute; then it is aborted, and its id means nothing any more.
func TestOneImportAtATime(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	s.bounds = tiny
	before := contents(t, s)
	first := mustBegin(t, s)
	mustAdd(t, s, first, foreigners(0, 5)...)
	refused := func(dryRun bool) {
		t.Helper()
		_, err := s.BeginImport(dryRun, By{Actor: "uid:2"})
		var busy *ImportError
		if !errors.As(err, &busy) || err.Error() != "import: another one is under way, and there can be one at a time; it makes room a minute after its last call" {
			t.Fatal(err)
		}
	}
	for range 3 {
		w.add(ImportPause)
		refused(false)
		refused(true)
		if err := s.SweepImports(context.Background()); err != nil || len(contents(t, s)) == len(before) {
			t.Fatal("an import under way was swept", err)
		}
		mustAdd(t, s, first)
	}
	w.add(ImportPause + time.Millisecond)
	second, err := s.BeginImport(true, By{Actor: "uid:2"})
	if err != nil || second == first {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, contents(t, s)); diff != "" {
		t.Error(diff)
	}
	_, err = s.FinishImport(first, importer)
	if !errors.Is(err, ErrNoImport) {
		t.Error(err)
	}
	refused(true)
}

// TestAbandonedImportIsSwept: also without another import.
func TestAbandonedImportIsSwept(t *testing.T) {
	w := newWall()
	s := mustOpen(t, Options{Path: newPath(t), Clock: w.read})
	s.bounds = tiny
	before := contents(t, s)
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 5)...)
	w.add(ImportPause + time.Millisecond)
	if err := s.SweepImports(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, contents(t, s)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.FinishImport(id, importer); !errors.Is(err, ErrNoImport) {
		t.Error(err)
	}
}

// TestImportOfAnotherCaller: to everybody but its actor an import does not exist.
func TestImportOfAnotherCaller(t *testing.T) {
	s := openNew(t)
	id := mustBegin(t, s)
	other := By{Actor: "key:01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	_, err1 := s.AddToImport(id, foreigners(0, 1), ImportRights{}, other)
	_, err2 := s.FinishImport(id, other)
	err3 := s.AbortImport(id, other)
	_, err4 := s.AddToImport("01ARZ3NDEKTSV4RRFFQ69G5FAV", foreigners(0, 1), ImportRights{}, importer)
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrNoImport) {
			t.Error(err)
		}
	}
	mustAdd(t, s, id, foreigners(0, 1)...)
	mustFinish(t, s, id, 1)
}

// TestFinishRefuses what is not whole, and stores nothing of it.
func TestFinishRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		lines []ImportLine
		want  string
	}{
		"nothing":  {nil, "import: has no line"},
		"bad line": {append(foreigners(0, 7), ImportLine{Number: 8}, foreign(9), foreign(9)), "import: 2 of 10 lines are bad; nothing of it is imported unless all are good"},
	} {
		s := openNew(t)
		s.bounds = tiny
		id := mustBegin(t, s)
		bad, err := s.AddToImport(id, c.lines, ImportRights{}, importer)
		if err != nil {
			t.Fatal(name, bad, err)
		}
		var refused *ImportError
		if _, err := s.FinishImport(id, importer); !errors.As(err, &refused) || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Lookup(foreignText(0)); !errors.Is(err, ErrUnknownKey) || s.imported.Load() {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.AbortImport(id, importer); err != nil || len(contents(t, s)) != 0 {
			t.Errorf("%s: %v, %v", name, contents(t, s), err)
		}
	}
}

// TestRepeatedKeys: a digest that is present in the store in any state, or in an
// earlier line, is a bad line, and an id that is.
func TestRepeatedKeys(t *testing.T) {
	for name, bounds := range map[string]importBounds{"held": defaultBounds, "stored": tiny} {
		for _, dryRun := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " dry ", dryRun), func(t *testing.T) { repeatKeys(t, bounds, dryRun) })
		}
	}
}

func repeatKeys(t *testing.T, bounds importBounds, dryRun bool) {
	s := openNew(t)
	s.bounds = bounds
	live, liveText := mustCreate(t, s, NewKey{})
	gone, goneText := mustCreate(t, s, NewKey{})
	mustRevoke(t, s, gone.ID)
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreign(0))
	mustFinish(t, s, id, 1)
	id, err := s.BeginImport(dryRun, importer)
	if err != nil {
		t.Fatal(err)
	}
	line := func(number int, text string) ImportLine {
		return ImportLine{Number: number, Key: NewSecret(text), Name: "n", Permission: "read"}
	}
	withID := func(number int, id string) ImportLine {
		l := foreign(number)
		l.ID = id
		return l
	}
	asDigest := func(number int, text string) ImportLine {
		d := newHasher(nil).digest(text)
		return ImportLine{Number: number, Digest: fmt.Sprintf("sha256:%x", d[:]), Name: "n", Permission: "read"}
	}
	const fresh = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	mustAdd(t, s, id, foreigners(1, 3)...)
	mustAdd(t, s, id, withID(4, fresh), foreign(5))
	lines := []ImportLine{
		line(6, foreignText(1)), line(7, liveText), foreign(8), asDigest(9, goneText), foreign(8), asDigest(11, foreignText(0)),
		withID(12, live.ID), withID(13, fresh), foreign(14), line(15, foreignText(14)), withID(16, gone.ID), line(17, foreignText(5)),
	}
	lines[4].Number = 10
	bad, err := s.AddToImport(id, lines, ImportRights{Makers: true}, importer)
	more, err2 := s.AddToImport(id, []ImportLine{line(18, foreignText(14)), foreign(19)}, ImportRights{}, importer)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	const inStore, earlier = "is in the store already; a key can be there once, in whatever state", "stands in an earlier line too"
	want := []BadLine{
		{6, "key", earlier}, {7, "key", inStore}, {9, "digest", inStore}, {10, "key", earlier}, {11, "digest", inStore},
		{12, "id", "is that of another key"}, {13, "id", "is that of another key"}, {15, "key", earlier}, {16, "id", "is that of another key"}, {17, "key", earlier},
		{18, "key", earlier},
	}
	if diff := cmp.Diff(want, append(bad, more...)); diff != "" {
		t.Error(diff)
	}
	if _, err := s.FinishImport(id, importer); err == nil || !strings.HasPrefix(err.Error(), "import: 11 of 19 lines are bad") {
		t.Error(err)
	}
}

// TestDryRun stores nothing, and tells what the import would.
func TestDryRun(t *testing.T) {
	s := openNew(t)
	s.bounds = tiny
	mustCreate(t, s, NewKey{})
	before, head := contents(t, s), s.AuditHead()
	id, err := s.BeginImport(true, importer)
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, id, foreigners(0, 50)...)
	mustFinish(t, s, id, 50)
	if diff := cmp.Diff(before, contents(t, s)); diff != "" || s.imported.Load() || s.AuditHead() != head {
		t.Error(diff)
	}
	id = mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 50)...)
	mustFinish(t, s, id, 50)
}

// TestJunkIsLookedUpAfterAnImport: not before, not while it is stored, not if it
// is aborted; and also after a restart.
func TestJunkIsLookedUpAfterAnImport(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	s.bounds = tiny
	misses := func() uint64 {
		before := s.Stats().CacheMisses
		if _, err := s.Lookup("sk-foreign-123"); !errors.Is(err, ErrUnknownKey) {
			t.Error(err)
		}
		return s.Stats().CacheMisses - before
	}
	for range 2 {
		id := mustBegin(t, s)
		mustAdd(t, s, id, foreigners(0, 5)...)
		if misses() != 0 {
			t.Error("junk is looked up before anything was imported")
		}
		if err := s.AbortImport(id, importer); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		s = mustOpen(t, Options{Path: path})
	}
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 5)...)
	mustFinish(t, s, id, 5)
	if misses() != 1 {
		t.Error("after an import nothing of another form is looked up")
	}
	mustClose(t, s)
	if s = mustOpen(t, Options{Path: path}); misses() != 1 {
		t.Error("after a restart nothing of another form is looked up")
	}
}

// TestAuditOfAnImport: one record, which names the workspace if there is but
// one, and the chain holds.
func TestAuditOfAnImport(t *testing.T) {
	s := openNew(t)
	s.bounds = tiny
	by := By{Actor: "uid:1", Claimed: "alice", Reason: "move", RequestID: "r-1"}
	importAll := func(lines ...ImportLine) AuditRecord {
		id := mustBegin(t, s)
		mustAdd(t, s, id, lines...)
		if _, err := s.FinishImport(id, by); err != nil {
			t.Fatal(err)
		}
		all := allAudit(t, s)
		a := all[len(all)-1]
		if a.Action != "import" || a.KeyID != "" || a.By != by || !cmp.Equal(a.To, map[string]string{"import": id, "keys": fmt.Sprint(len(lines))}) {
			t.Errorf("%+v", a)
		}
		return a
	}
	lines := foreigners(0, 6)
	for i := range lines {
		lines[i].Account, lines[i].Workspace = "acme", "docs"
	}
	if a := importAll(lines[:3]...); a.Account != "acme" || a.Workspace != "docs" {
		t.Errorf("%+v", a)
	}
	lines[4].Workspace = "web"
	if a := importAll(lines[3:]...); a.Account != "" || a.Workspace != "" {
		t.Errorf("%+v", a)
	}
	head := s.AuditHead()
	if _, err := s.VerifyAudit(&head); err != nil || head.Seq != 2 {
		t.Error(head, err)
	}
}

// TestRevokeOfAnImportedKey: a change of one is as of any other.
func TestRevokeOfAnImportedKey(t *testing.T) {
	s := openNew(t)
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 5)...)
	mustFinish(t, s, id, 5)
	rec := mustLookup(t, s, foreignText(3))
	mustLookup(t, s, foreignText(3))
	if s.Stats().CacheHits != 1 {
		t.Fatal("the record was to be cached")
	}
	mustRevoke(t, s, rec.ID)
	if st := mustLookup(t, s, foreignText(3)).Status(s.Now()); st != Revoked {
		t.Errorf("status %s", st)
	}
	_, next, text, err := s.Rotate(mustLookup(t, s, foreignText(4)).ID, Rotation{}, By{})
	if err != nil || next.Import != "" || next.Prefix != DefaultPrefix || !same(mustLookup(t, s, text.Reveal()), next) {
		t.Errorf("%+v, %v", next, err)
	}
}

// TestDamagedImportState: what became of the import is not known any more. Its
// keys are denied, with the alarm, and no sweep removes them.
func TestDamagedImportState(t *testing.T) {
	var alarms []string
	path := newPath(t)
	s := mustOpen(t, Options{Path: path, OnCorrupt: func(id string) { alarms = append(alarms, id) }, CacheRecords: 1})
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 3)...)
	mustFinish(t, s, id, 3)
	rec := mustLookup(t, s, foreignText(0))
	raw, _ := parseID(id)
	for _, value := range [][]byte{nil, {importDone}, append([]byte{importPending}, make([]byte, tagLength)...), append([]byte{importDone}, make([]byte, tagLength)...)} {
		err := s.apply(By{}, func(w *writer) error {
			w.touched = append(w.touched, s.hasher.digest(foreignText(0)))
			if value == nil {
				return w.imports.Delete(raw[:])
			}
			return w.imports.Put(raw[:], value)
		})
		if err != nil {
			t.Fatal(err)
		}
		alarms = nil
		if got, err := s.Lookup(foreignText(0)); got != nil || !errors.Is(err, ErrCorruptRecord) || !cmp.Equal(alarms, []string{rec.ID}) {
			t.Errorf("%x: %+v, %v, alarms %v", value, got, err, alarms)
		}
		if _, err := s.Get(rec.ID); !errors.Is(err, ErrCorruptRecord) {
			t.Errorf("%x: %v", value, err)
		}
		if err := s.SweepImports(context.Background()); err != nil {
			t.Fatal(err)
		}
		if count, err := s.Census(); err != nil || count.ByStatus[Unreadable] != 3 {
			t.Errorf("%x: %+v, %v", value, count, err)
		}
	}
	if err := s.apply(By{}, func(w *writer) error { return w.putImportState(raw, importDone) }); err != nil {
		t.Fatal(err)
	}
	mustLookup(t, s, foreignText(0))
}

// TestIDsOfAnImportAfterAReset: as with any new key, they go on behind the last
// one, also where the clock was ahead once.
func TestIDsOfAnImportAfterAReset(t *testing.T) {
	w := newWall()
	path := newPath(t)
	o := Options{Path: path, Clock: w.read}
	w.add(48 * time.Hour)
	s := mustOpen(t, o)
	rec, _ := mustCreate(t, s, NewKey{})
	mustClose(t, s)
	w.add(-48 * time.Hour)
	if _, _, err := ResetClock(o, By{}); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 3)...)
	mustFinish(t, s, id, 3)
	last := rec.ID
	for n := range 3 {
		if rec := mustLookup(t, s, foreignText(n)); rec.ID <= last {
			t.Errorf("%s after %s", rec.ID, last)
		} else {
			last = rec.ID
		}
	}
}
