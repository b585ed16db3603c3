package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestTransactionsAreBounded: a transaction stores at most 5 000 keys, those of
// Run at most 500.
func TestTransactionsAreBounded(t *testing.T) {
	for _, c := range []struct {
		p    pace
		most int
	}{{hurry, 5000}, {spread, 500}} {
		r := mustOpen(t, Options{Path: newPath(t), Interval: time.Millisecond})
		const keys = 12_001
		for i := range keys {
			r.Count(allowed(keyID(i)))
		}
		var sizes []int
		r.testingOnlyStored = func(keys int) { sizes = append(sizes, keys) }
		before := transactions(r)
		if err := r.pass(context.Background(), c.p); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if slices.Max(sizes) > c.most || sum != keys || transactions(r)-before != uint64(len(sizes)) {
			t.Errorf("transactions of %v keys", sizes)
		}
		r.testingOnlyStored = nil
	}
}

// transactions counts those that were ever made in the file.
func transactions(r *Recorder) uint64 {
	m, _ := newestMeta(r.file.Load().f)
	return m.txnID
}

// ways are all that can become of a commit that does not succeed.
var ways = map[string]struct {
	commit func(*bolt.Tx) error
	stored bool
}{
	"not stored":                     {func(tx *bolt.Tx) error { return errors.Join(errTest, tx.Rollback()) }, false},
	"stored, but reported as failed": {func(tx *bolt.Tx) error { return errors.Join(errTest, tx.Commit()) }, true},
	"panic before":                   {func(*bolt.Tx) error { panic("page 7 already freed") }, false},
	"panic afterwards":               {func(tx *bolt.Tx) error { _ = tx.Commit(); panic("page 7 already freed") }, true},
}

var errTest = errors.New("a fault of the test")

// TestFailedFlush: what a flush could not store is neither lost nor counted twice,
// whatever became of its transaction, and is stored by the next one.
func TestFailedFlush(t *testing.T) {
	for name, way := range ways {
		var log logText
		path := newPath(t)
		r := mustOpenAny(t, Options{Path: path, Log: log.logger()})
		const keys = 2*most + 10
		for i := range keys {
			r.Count(allowed(keyID(i)))
		}
		mustFlush(t, r)
		for i := range keys {
			r.Count(allowed(keyID(i)))
		}
		pieces := 0
		r.file.Load().testingOnlyCommit = func(tx *bolt.Tx) error {
			if pieces++; pieces == 2 {
				return way.commit(tx)
			}
			return tx.Commit()
		}
		for range 2 { // only the first fails
			err := r.Flush(context.Background())
			if failed := strings.Contains(log.String(), "memory alone"); err == nil && !failed {
				t.Errorf("%s: no error in the log", name)
			}
			for _, i := range []int{0, most - 1, most, 2*most - 1, 2 * most, keys - 1} {
				wantAllowed(t, r, keyID(i), 2)
			}
			r.Count(allowed("more"))
		}
		if st := r.Stats(); st.FlushErrors != 1 || st.Flushes != 3 || st.MemoryOnly {
			t.Errorf("%s: %+v", name, st)
		}
		if n := strings.Count(log.String(), "stored again"); n != 1 {
			t.Errorf("%s: %s", name, &log)
		}
		mustClose(t, r)
		r = mustOpen(t, Options{Path: path})
		for i := range keys {
			wantAllowed(t, r, keyID(i), 2)
		}
		wantAllowed(t, r, "more", 2)
		mustNotBeAside(t, path)
	}
}

// TestManyFailures: the same while others count, with a fault in every second
// transaction.
func TestManyFailures(t *testing.T) {
	path := newPath(t)
	r := mustOpenAny(t, Options{Path: path})
	const rounds, keys, each = 60, 50, 20
	names := []string{"not stored", "stored, but reported as failed", "panic before", "panic afterwards"}
	for round := range rounds {
		var counting sync.WaitGroup
		for w := range 2 {
			counting.Go(func() {
				for i := range keys * each {
					r.Count(allowed(keyID((i + w) % keys)))
				}
			})
		}
		if f := r.file.Load(); f != nil {
			f.testingOnlyCommit = func(tx *bolt.Tx) error {
				f.testingOnlyCommit = nil
				return ways[names[round%len(names)]].commit(tx)
			}
		}
		within(t, "flush", func() { _ = r.Flush(context.Background()) })
		counting.Wait()
	}
	mustFlush(t, r)
	for range 2 {
		for i := range keys {
			wantAllowed(t, r, keyID(i), 2*rounds*each)
		}
		mustClose(t, r)
		r = mustOpenAny(t, Options{Path: path})
	}
	mustClose(t, r)
	mustNotBeAside(t, path)
}

// TestTroubleIsLoggedOnce, not with every flush, and its end is.
func TestTroubleIsLoggedOnce(t *testing.T) {
	var log logText
	r := mustOpenAny(t, Options{Path: newPath(t), Log: log.logger()})
	for range 5 {
		r.Count(allowed("k"))
		r.file.Load().testingOnlyCommit = ways["not stored"].commit
		if err := r.Flush(context.Background()); !errors.Is(err, errTest) {
			t.Error(err)
		}
	}
	r.file.Load().testingOnlyCommit = nil
	for range 5 {
		mustFlush(t, r)
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines:\n%s", n, &log)
	}
	mustClose(t, r)
}

// TestEndOfContext: a flush that is told to stop stops between two transactions,
// and the next one goes on.
func TestEndOfContext(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	const keys = 3 * most
	for i := range keys {
		r.Count(allowed(keyID(i)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.testingOnlyStored = func(int) { cancel() }
	if err := r.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if st := r.Stats(); st.FlushErrors != 0 {
		t.Errorf("%+v", st)
	}
	stored := 0
	r.testingOnlyStored = func(keys int) { stored += keys }
	mustFlush(t, r)
	if stored != keys-most {
		t.Errorf("%d stored", stored)
	}
	for i := range keys {
		wantAllowed(t, r, keyID(i), 1)
	}
}

// TestRun flushes every interval, and once more at the end, also when it is
// stopped in the middle of a pass.
func TestRun(t *testing.T) {
	path := newPath(t)
	r := mustOpenAny(t, Options{Path: path, Interval: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	until(t, "a flush", func() bool { return r.Stats().Flushes > 3 })
	r.Count(allowed("k"))
	flushes := r.Stats().Flushes
	until(t, "a flush", func() bool { return r.Stats().Flushes > flushes+1 })
	other := copyOf(t, path)
	wantAllowed(t, mustOpen(t, Options{Path: other}), "k", 1)

	for i := range 3 * few {
		r.Count(allowed(keyID(i)))
	}
	until(t, "the flush to begin", func() bool { return r.Stats().Keys > few })
	cancel()
	within(t, "run", func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	other = copyOf(t, path) // not closed yet
	o := mustOpen(t, Options{Path: other})
	for i := range 3 * few {
		wantAllowed(t, o, keyID(i), 1)
	}
	mustClose(t, r)
}

// TestRunIsSpread: a pass of Run takes most of the interval and leaves pauses, but
// Close ends them.
func TestRunIsSpread(t *testing.T) {
	r := mustOpenAny(t, Options{Path: newPath(t), Interval: 400 * time.Millisecond})
	for i := range 4 * few {
		r.Count(allowed(keyID(i)))
	}
	if err := r.pass(context.Background(), spread); err != nil {
		t.Fatal(err)
	}
	// Three pauses between four pieces of 80 ms each, the last without one.
	if took := r.Stats().LastFlush; took < 240*time.Millisecond {
		t.Errorf("the pass took %v", took)
	}
	mustClose(t, r)

	r = mustOpenAny(t, Options{Path: newPath(t), Interval: time.Hour})
	for i := range 4 * few {
		r.Count(allowed(keyID(i)))
	}
	first := make(chan struct{})
	var once sync.Once
	r.testingOnlyStored = func(int) { once.Do(func() { close(first) }) }
	passed := make(chan error, 1)
	go func() { passed <- r.pass(context.Background(), spread) }()
	<-first
	mustClose(t, r)
	if err := <-passed; err != nil {
		t.Error(err)
	}
}

// TestIntervalGrows: with more keys than an interval can store, the next pass
// begins when the last one is done; nothing is lost.
func TestIntervalGrows(t *testing.T) {
	r := mustOpenAny(t, Options{Path: newPath(t), Interval: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var rounds uint64
	for start := r.Stats().Flushes; r.Stats().Flushes < start+5; rounds++ {
		for i := range 4 * few {
			r.Count(allowed(keyID(i)))
		}
	}
	t.Logf("a pass takes %v", r.Stats().LastFlush)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i := range 4 * few {
		wantAllowed(t, r, keyID(i), rounds)
	}
	mustClose(t, r)
}

// TestFlushesDoNotGrowTheFile for ever: the pages of old values are used again.
func TestFlushesDoNotGrowTheFile(t *testing.T) {
	r := mustOpen(t, Options{Path: newPath(t)})
	var sizes []int64
	for range 40 {
		for i := range 3000 {
			r.Count(allowed(fmt.Sprint(i)))
		}
		mustFlush(t, r)
		sizes = append(sizes, r.file.Load().size())
	}
	if sizes[39] > sizes[4] {
		t.Errorf("%v", sizes)
	}
}
