package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

// ofOneImport is how many lines each import of the crash test has.
const ofOneImport = 20

// someBounds make an import of the crash test about twenty transactions.
var someBounds = importBounds{held: 8, records: 4, entries: 6}

// childImports imports, and aborts every fourth import, for ever. The lines of an
// import are told by how many were finished before it.
func childImports(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	s.bounds = someBounds
	fmt.Println("open")
	if err := s.SweepImports(context.Background()); err != nil {
		return err
	}
	for n := 1; ; n++ {
		finished := s.AuditHead().Seq
		id, err := s.BeginImport(false, importer)
		if err != nil {
			return err
		}
		for i := range 4 {
			bad, err := s.AddToImport(id, crashLines(finished)[5*i:5*(i+1)], ImportRights{}, importer)
			if err != nil || len(bad) > 0 {
				return fmt.Errorf("%v %w", bad, err)
			}
		}
		if n%4 == 0 {
			err = s.AbortImport(id, importer)
		} else {
			_, err = s.FinishImport(id, importer)
		}
		if err != nil {
			return err
		}
		if n%4 != 0 {
			fmt.Println("finished", finished)
		}
	}
}

func crashLines(finished uint64) []ImportLine {
	lines := foreigners(int(finished)*ofOneImport, ofOneImport)
	for i := range lines {
		lines[i].Labels = map[string]string{LabelID: fmt.Sprint(i)}
		lines[i].Workspace = fmt.Sprint("w", i%7)
	}
	return lines
}

// TestImportIsAllOrNothing: whenever the process ends, no key of an import that
// was not finished is left after the sweep, and no key of one that was is lost.
func TestImportIsAllOrNothing(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	total, swept := 0, 0
	for range kills(t) {
		acknowledged := killedWithin(t, "import", path, 200*time.Millisecond)
		s := mustOpen(t, Options{Path: path})
		left := len(contents(t, s))
		if err := s.SweepImports(context.Background()); err != nil {
			t.Fatal(err)
		}
		if left != len(contents(t, s)) {
			swept++
		}
		for _, line := range acknowledged {
			var finished uint64
			if _, err := fmt.Sscanf(line, "finished %d", &finished); err != nil || finished >= s.AuditHead().Seq {
				t.Fatalf("%q is lost: %v", line, err)
			}
		}
		mustBeSound(t, s)
		total += len(acknowledged)
		mustClose(t, s)
	}
	t.Logf("%d imports acknowledged, 0 lost; %d kills left something to sweep", total, swept)
	if total == 0 || swept == 0 {
		t.Error("nothing was put to the test")
	}
}

// mustBeSound checks that there are the keys of all finished imports and no
// others, and that ids, finds and imports hold what leads to them and no more.
func mustBeSound(t *testing.T, s *Store) {
	t.Helper()
	finished := s.AuditHead().Seq
	for n := range finished {
		for _, l := range crashLines(n) {
			if _, err := s.Lookup(l.Key.Reveal()); err != nil {
				t.Fatalf("a key of import %d: %v", n, err)
			}
		}
	}
	for _, l := range crashLines(finished) {
		if _, err := s.Lookup(l.Key.Reveal()); !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("a key of an import that was not finished: %v", err)
		}
	}
	want, got := map[string]int{}, map[string]int{}
	err := s.view(func(tx *reader) error {
		err := tx.keys.ForEach(func(k, v []byte) error {
			rec, err := tx.open(k, v)
			if err != nil || !tx.isIndexed(rec, k) {
				return fmt.Errorf("%+v is not found by its id: %w", rec, err)
			}
			want["finds"] += len(findsOf(rec))
			got["keys"]++
			return nil
		})
		count := func(name string) func(k, v []byte) error {
			return func(_, _ []byte) error { got[name]++; return nil }
		}
		return errors.Join(err, tx.ids.ForEach(count("ids")), tx.finds.ForEach(count("finds")), tx.imports.ForEach(count("imports")))
	})
	want["keys"], want["ids"], want["imports"] = int(finished)*ofOneImport, int(finished)*ofOneImport, int(finished)
	if finished == 0 {
		want = map[string]int{}
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if _, err := s.VerifyAudit(nil); err != nil {
		t.Fatal(err)
	}
}

// childFillsDiskByImport is childFillsDisk for imports.
func childFillsDiskByImport(path string) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	rec, text, err := s.Create(NewKey{Name: "first", Permission: Full}, By{})
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	room := func(size uint64) error {
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: ^uint64(0)})
	}
	if err := room(uint64(info.Size()) + 1<<20); err != nil {
		return err
	}
	s.bounds = importBounds{held: 200, records: 50, entries: 100}
	id, err := importUntilFull(s)
	if err != nil {
		return err
	}
	if err := checkAfterFullImport(s, rec, text.Reveal()); err != nil {
		return err
	}
	if _, err := s.FinishImport(id, importer); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("finished: %w", err)
	}
	aborted := s.AbortImport(id, importer) // may want room
	fmt.Println("aborted:", aborted)
	if err := checkAfterFullImport(s, rec, text.Reveal()); err != nil {
		return err
	}
	if err := room(uint64(info.Size()) + 3<<20); err != nil {
		return err
	}
	if id, err = importUntilFull(s); err != nil {
		return err
	}
	if err := room(^uint64(0)); err != nil {
		return err
	}
	if _, err := s.FinishImport(id, importer); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("an import with a hole was finished: %w", err)
	}
	if err := s.AbortImport(id, importer); err != nil {
		return err
	}
	return importAfterFull(s, rec)
}

// importUntilFull begins an import, and adds to it until there is no room.
func importUntilFull(s *Store) (id string, err error) {
	if id, err = s.BeginImport(false, importer); err != nil {
		return "", err
	}
	stored, err := addUntilFull(s, id)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no room") {
		return "", fmt.Errorf("after %d lines: want a full disk, got %w", stored, err)
	}
	fmt.Println("refused after", stored, "lines:", err)
	return id, nil
}

func addUntilFull(s *Store, id string) (stored int, err error) {
	for ; stored < 100_000; stored += 120 { // in parts
		lines := foreigners(stored, 120)
		for i := range lines {
			lines[i].Name = strings.Repeat("n", MaxName)
		}
		if bad, err := s.AddToImport(id, lines, ImportRights{}, importer); err != nil || len(bad) > 0 {
			return stored, err
		}
	}
	return stored, nil
}

func checkAfterFullImport(s *Store, rec *Record, text string) error {
	s.cache.evict([]Digest{s.hasher.digest(text)})
	if got, err := s.Lookup(text); err != nil || !same(got, rec) {
		return fmt.Errorf("a check on a full disk: %+v, %w", got, err)
	}
	if _, err := s.Lookup(foreignText(0)); !errors.Is(err, ErrUnknownKey) || s.imported.Load() {
		return fmt.Errorf("a key of a broken import: %w", err)
	}
	records, _, err := s.List(Filter{}, "", MaxPage)
	if err != nil || len(records) != 1 {
		return fmt.Errorf("%d records, %w", len(records), err)
	}
	return nil
}

// importAfterFull goes on without a restart: the same keys can be imported.
func importAfterFull(s *Store, rec *Record) error {
	id, err := s.BeginImport(false, importer)
	if err != nil {
		return err
	}
	if bad, err := s.AddToImport(id, foreigners(0, 50), ImportRights{}, importer); err != nil || len(bad) > 0 {
		return fmt.Errorf("%v, %w", bad, err)
	}
	if _, err := s.FinishImport(id, importer); err != nil {
		return err
	}
	records, _, err := s.List(Filter{}, "", MaxPage)
	if err != nil || len(records) != 51 || !same(records[0], rec) {
		return fmt.Errorf("%d records, %w", len(records), err)
	}
	return s.Close()
}

// TestFullDiskInAnImport: without room the import is refused and all of it is
// invisible; checks go on, and with room again it can be made anew.
func TestFullDiskInAnImport(t *testing.T) {
	out, err := child(t, "fullimport", newPath(t)).Output()
	t.Logf("%s", out)
	var exit *exec.ExitError
	if errors.As(err, &exit) || err != nil {
		t.Error(err)
	}
}

// TestStalledReadAcrossAFinish: a look-up that read before the import was
// finished says that the key is unknown, and leaves nothing behind: one that
// begins after it finds the key.
func TestStalledReadAcrossAFinish(t *testing.T) {
	s := openNew(t)
	first := mustBegin(t, s)
	mustAdd(t, s, first, foreigners(10, 1)...)
	mustFinish(t, s, first, 1) // so that foreign texts are looked up at all
	s.bounds = tiny
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 2)...)
	read, goOn := make(chan struct{}), make(chan struct{})
	s.testingOnlyAfterRead = func() {
		close(read)
		<-goOn
	}
	stalled := make(chan error)
	go func() {
		_, err := s.Lookup(foreignText(0))
		stalled <- err
	}()
	<-read
	s.testingOnlyAfterRead = nil
	mustFinish(t, s, id, 2)
	mustLookup(t, s, foreignText(0))
	close(goOn)
	if err := <-stalled; !errors.Is(err, ErrUnknownKey) {
		t.Fatalf("the stalled look-up was to see the import unfinished, got %v", err)
	}
	mustLookup(t, s, foreignText(0))
	mustRevoke(t, s, mustLookup(t, s, foreignText(1)).ID)
	if st := mustLookup(t, s, foreignText(1)).Status(s.Now()); st != Revoked {
		t.Errorf("status %s", st)
	}
}

// TestStalledReadOfARevokedImport: a key that was imported and revoked does not
// come back with a look-up that began in between.
func TestStalledReadOfARevokedImport(t *testing.T) {
	s := openNew(t)
	id := mustBegin(t, s)
	mustAdd(t, s, id, foreigners(0, 1)...)
	mustFinish(t, s, id, 1)
	read, goOn := make(chan struct{}), make(chan struct{})
	s.testingOnlyAfterRead = func() {
		close(read)
		<-goOn
	}
	stalled := make(chan *Record)
	go func() {
		rec, _ := s.Lookup(foreignText(0))
		stalled <- rec
	}()
	<-read
	s.testingOnlyAfterRead = nil
	records, _, err := s.List(Filter{}, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	mustRevoke(t, s, records[0].ID)
	close(goOn)
	if rec := <-stalled; rec == nil || rec.Status(s.Now()) != Active {
		t.Fatalf("%+v", rec)
	}
	if st := mustLookup(t, s, foreignText(0)).Status(s.Now()); st != Revoked {
		t.Errorf("status %s", st)
	}
}

// TestHammerOfChecksAndImports: checks beside imports that are finished and
// aborted. A key is never seen before the finish began or after an abort, and
// always once it has returned.
func TestHammerOfChecksAndImports(t *testing.T) {
	s := mustOpen(t, Options{Path: newPath(t), CacheRecords: 16})
	s.bounds = importBounds{held: 4, records: 4, entries: 8}
	const rounds, each = 12, 6
	var finishing, finished [rounds]atomic.Bool
	var stop atomic.Bool
	var wrong, checks atomic.Int64
	var all sync.WaitGroup
	for c := range 3 {
		all.Go(func() {
			for n := c; !stop.Load(); n++ {
				key := n % (rounds * each)
				round := key / each
				must := finished[round].Load()
				_, err := s.Lookup(foreignText(key))
				may := finishing[round].Load()
				if err == nil && !may || err != nil && (must || !errors.Is(err, ErrUnknownKey)) {
					wrong.Add(1)
				}
				checks.Add(1)
			}
		})
	}
	for round := range rounds {
		id := mustBegin(t, s)
		mustAdd(t, s, id, foreigners(round*each, each)...)
		if round%3 == 2 {
			if err := s.AbortImport(id, importer); err != nil {
				t.Fatal(err)
			}
			continue
		}
		finishing[round].Store(true)
		mustFinish(t, s, id, each)
		finished[round].Store(true)
	}
	for after := checks.Load() + 5*rounds*each; checks.Load() < after; {
	}
	stop.Store(true)
	all.Wait()
	t.Logf("%d checks", checks.Load())
	if wrong.Load() != 0 {
		t.Errorf("%d checks saw a key too early, too late or when there was none", wrong.Load())
	}
}

// TestFileOfManyImports: imports that come to nothing do not make the file grow
// from one to the next, and no transaction is larger than its bounds.
func TestFileOfManyImports(t *testing.T) {
	s := openNew(t)
	s.db.NoSync = true
	s.bounds = importBounds{held: 2000, records: 500, entries: 1000}
	size := func() int64 {
		info, err := os.Stat(s.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var sizes []int64
	for range 6 {
		id := mustBegin(t, s)
		mustAdd(t, s, id, foreigners(0, 5000)...)
		if err := s.AbortImport(id, importer); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size()>>20)
	}
	if sizes[5] > sizes[1] {
		t.Errorf("the file grows: %v MiB", sizes)
	}
	mustBeConsistent(t, s)
}

// mustBeConsistent lets bbolt check its own file.
func mustBeConsistent(t testing.TB, s *Store) {
	t.Helper()
	err := s.viewBuckets(func(tx *bolt.Tx) error {
		var problems []error
		for err := range tx.Check() {
			problems = append(problems, err)
		}
		return errors.Join(problems...)
	})
	if err != nil {
		t.Error(err)
	}
}
