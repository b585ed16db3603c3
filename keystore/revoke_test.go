package keystore

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestStalledReadAcrossARevoke: a check that begins after a revoke returned is
// denied, although a look-up that began before it comes back with the old
// record afterwards.
func TestStalledReadAcrossARevoke(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	read, goOn := make(chan struct{}), make(chan struct{})
	s.testingOnlyAfterRead = func() {
		close(read)
		<-goOn
	}
	stalled := make(chan *Record)
	go func() {
		got, _ := s.Lookup(text)
		stalled <- got
	}()
	<-read
	s.testingOnlyAfterRead = nil
	mustRevoke(t, s, rec.ID)
	close(goOn)
	if got := <-stalled; got == nil || got.Status(s.Now()) != Active {
		t.Fatalf("the stalled look-up was to see the old record, got %+v", got)
	}
	if st := mustLookup(t, s, text).Status(s.Now()); st != Revoked {
		t.Errorf("a look-up after the revoke says %s", st)
	}
}

// TestCachedRecordAcrossARevoke: the plain case, the record being cached.
func TestCachedRecordAcrossARevoke(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	mustLookup(t, s, text)
	mustLookup(t, s, text)
	if st := s.Stats(); st.CacheHits != 1 || st.CacheMisses != 1 || st.CacheRecords != 1 {
		t.Fatalf("the record was to be cached: %+v", st)
	}
	mustRevoke(t, s, rec.ID)
	if st := mustLookup(t, s, text).Status(s.Now()); st != Revoked {
		t.Errorf("a look-up after the revoke says %s", st)
	}
}

// TestReadBeforeTheCommit: the other order: a look-up between the change and its
// commit sees the old record and caches it; the revoke must still evict it.
func TestReadBeforeTheCommit(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	_, err := s.edit(rec.ID, By{}, func(w *writer, edited *Record) (bool, error) {
		if old := mustLookup(t, s, text); old.Status(s.Now()) != Active {
			t.Errorf("before the commit: %+v", old)
		}
		edited.RevokedAt = w.now
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if st := mustLookup(t, s, text).Status(s.Now()); st != Revoked {
		t.Errorf("a look-up after the revoke says %s", st)
	}
}

// TestHammerOfChecksAndRevokes: the same promise with many checks and revokes at
// once, over a cache too small for the keys and one with room for all.
func TestHammerOfChecksAndRevokes(t *testing.T) {
	hammer(t, 8)
	hammer(t, DefaultCacheRecords)
}

func hammer(t *testing.T, cacheRecords int) {
	t.Helper()
	s := mustOpen(t, Options{Path: newPath(t), CacheRecords: cacheRecords})
	const keys, checkers = 48, 4
	var ids, texts [keys]string
	var revoked [keys]atomic.Bool
	for i := range keys {
		rec, text := mustCreate(t, s, NewKey{})
		ids[i], texts[i] = rec.ID, text
	}
	var late, checks atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for c := range checkers {
		all.Go(func() {
			for n := c; !stop.Load(); n++ {
				i := n % keys
				before := revoked[i].Load()
				rec, err := s.Lookup(texts[i])
				if err != nil || before && rec.Status(s.Now()) != Revoked {
					late.Add(1)
				}
				checks.Add(1)
			}
		})
	}
	for i := range keys {
		mustRevoke(t, s, ids[i])
		revoked[i].Store(true)
	}
	for after := checks.Load() + 10*keys*checkers; checks.Load() < after; {
	}
	stop.Store(true)
	all.Wait()
	t.Logf("%d checks, %d late", checks.Load(), late.Load())
	if late.Load() != 0 {
		t.Errorf("%d checks were allowed after the revoke, or failed", late.Load())
	}
}

// TestEvictionAfterAFailedCommit: a change evicts also when it returned an
// error, since the file may have it.
func TestEvictionAfterAFailedCommit(t *testing.T) {
	s := openNew(t)
	rec, text := mustCreate(t, s, NewKey{})
	mustLookup(t, s, text)
	digest := s.hasher.digest(text)
	if _, ok := s.cache.get(digest); !ok {
		t.Fatal("the record was to be cached")
	}
	if _, err := s.Rename(rec.ID, "x", By{}); err != nil {
		t.Fatal(err)
	}
	mustLookup(t, s, text)
	// The transaction of this change is rolled back by its audit record.
	err := s.apply(By{}, func(w *writer) error {
		w.touched = append(w.touched, digest)
		return errForeign
	})
	if err == nil {
		t.Fatal("the change was to fail")
	}
	if _, ok := s.cache.get(digest); ok {
		t.Error("the record is still cached")
	}
}
