package usage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

const manyKeys = 100_000

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("01JQ%06d%016X", i/16, rand.Uint64())
	}
	return all
}

func countAll(r *Recorder, ids []string, at time.Time) {
	for _, id := range ids {
		r.Count(Event{KeyID: id, Reason: "allowed", Allowed: true, Address: "203.0.113.7", At: at})
	}
}

// BenchmarkCount is what the path of a check pays.
func BenchmarkCount(b *testing.B) {
	for _, keys := range []int{1, 1000, manyKeys} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			r := mustOpen(b, Options{Path: newPath(b)})
			all := ids(keys)
			now := time.Now()
			countAll(r, all, now)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(keys); pb.Next(); i++ {
					r.Count(Event{KeyID: all[i%keys], Reason: "allowed", Allowed: true, Address: "203.0.113.7", At: now})
				}
			})
		})
	}
}

// BenchmarkCountWhileFlushing is the same with flushes all the time.
func BenchmarkCountWhileFlushing(b *testing.B) {
	r := mustOpen(b, Options{Path: newPath(b)})
	all := ids(manyKeys)
	now := time.Now()
	countAll(r, all, now)
	defer flushing(b, func() { _ = r.Flush(context.Background()) })()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(manyKeys); pb.Next(); i++ {
			r.Count(Event{KeyID: all[i%manyKeys], Reason: "allowed", Allowed: true, At: now})
		}
	})
}

// flushing calls fn again and again until the result is called.
func flushing(b *testing.B, fn func()) (stop func()) {
	b.Helper()
	var end atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !end.Load() {
			fn()
		}
	})
	return func() { end.Store(true); wg.Wait() }
}

// BenchmarkFlush stores 100 000 keys in use: within an hour, and when the hour
// has turned.
func BenchmarkFlush(b *testing.B) {
	for name, step := range map[string]time.Duration{"same hour": 0, "new hour": time.Hour} {
		b.Run(name, func(b *testing.B) {
			c := newClock()
			r := mustOpen(b, Options{Path: newPath(b), Now: c.Now})
			all := ids(manyKeys)
			for range 3 {
				countAll(r, all, c.Now())
				mustFlush(b, r)
			}
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				c.add(step)
				countAll(r, all, c.Now())
				b.StartTimer()
				mustFlush(b, r)
			}
			b.StopTimer()
			b.ReportMetric(float64(r.file.Load().size())/manyKeys, "filebytes/key")
		})
	}
}

func (f *file) size() int64 {
	info, err := f.f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func BenchmarkOf(b *testing.B) {
	r, all := filled(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := r.Of(all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLastUsed(b *testing.B) {
	r, all := filled(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if r.LastUsed(all[i%len(all)]).IsZero() {
			b.Fatal("never used")
		}
	}
}

// filled is a recorder whose keys were used for three days.
func filled(b *testing.B) (*Recorder, []string) {
	b.Helper()
	c := newClock()
	r := mustOpen(b, Options{Path: newPath(b), Now: c.Now})
	all := ids(1000)
	for range 72 {
		c.add(time.Hour)
		countAll(r, all, c.Now())
		mustFlush(b, r)
	}
	mustFlush(b, r) // nothing is left in memory
	return r, all
}

// BenchmarkMemory tells what a key in memory takes.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		r := mustOpenAny(b, Options{Path: filepath.Join(b.TempDir(), "missing", "usage.db")})
		all := ids(maxKeys)
		before := heap()
		countAll(r, all, time.Now())
		b.ReportMetric(float64(heap()-before)/maxKeys, "bytes/key")
		_ = r.Close()
		runtime.KeepAlive(all)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkOpen checks the file of 100 000 keys that were used for two days.
func BenchmarkOpen(b *testing.B) {
	c := newClock()
	path := newPath(b)
	r := mustOpenAny(b, Options{Path: path, Now: c.Now})
	all := ids(manyKeys)
	for range 48 {
		c.add(time.Hour)
		countAll(r, all, c.Now())
		mustFlush(b, r)
	}
	size := r.file.Load().size()
	mustClose(b, r)
	b.ResetTimer()
	for range b.N {
		r := mustOpenAny(b, Options{Path: path, Now: c.Now})
		b.StopTimer()
		mustClose(b, r)
		b.StartTimer()
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB")
}

// BenchmarkRevoke measures commits to another bbolt file in the same folder, as a
// revoke makes them, while 100 000 keys are in use: without a flush beside them,
// with the passes of Run, and with the hurried ones of Flush, one behind the
// other. It says something only on a machine with nothing else to do.
func BenchmarkRevoke(b *testing.B) {
	for _, c := range []struct {
		name   string
		beside func(context.Context, *Recorder)
	}{
		{"alone", nil},
		{"beside Run", func(ctx context.Context, r *Recorder) { _ = r.pass(ctx, spread) }},
		{"beside Flush", func(ctx context.Context, r *Recorder) { _ = r.Flush(ctx) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := newPath(b)
			r := mustOpen(b, Options{Path: path})
			all := ids(manyKeys)
			countAll(r, all, time.Now())
			mustFlush(b, r)
			revoke := revoker(b, filepath.Join(filepath.Dir(path), "keys.db"), all)
			ctx, cancel := context.WithCancel(context.Background())
			stop := func() {}
			if c.beside != nil {
				stop = flushing(b, func() {
					countAll(r, all, time.Now())
					c.beside(ctx, r)
				})
			}
			measure(b, revoke)
			cancel() // ends the pauses
			stop()
		})
	}
}

// revoker makes a file with a record for each key, and gives what changes one.
func revoker(b *testing.B, path string, ids []string) (revoke func()) {
	b.Helper()
	db, err := bolt.Open(path, fileMode, &bolt.Options{FreelistType: bolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	put := func(ids []string) {
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("keys"))
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := bucket.Put([]byte(id), make([]byte, 200)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	put(ids)
	return func() { i := rand.IntN(len(ids)); put(ids[i : i+1]) }
}

// measure calls fn every few milliseconds and reports how long it took.
func measure(b *testing.B, fn func()) {
	b.Helper()
	var took []time.Duration
	for range b.N {
		b.StopTimer()
		<-time.After(2 * time.Millisecond)
		b.StartTimer()
		begin := time.Now()
		fn()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	for _, p := range []int{50, 90, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100]), fmt.Sprintf("p%d-ns", p))
	}
}
