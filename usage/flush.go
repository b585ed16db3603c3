package usage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// How many keys a transaction stores, and that each is synced, was chosen by a
// trial: how long commits to another bbolt file on the same disk take (ms; 2
// cores, ext4) while 100 000 values of 90 bytes are written again and again. Each
// row is one run on a quiet machine, the second row two runs, which shows how
// far runs are apart:
//
//	                                           p50      p90       p99
//	no flush                                   0.7      1.0       1.6
//	5 000 keys, one behind the other           0.7-3.2  4.8-11.6  6.6-21.4
//	5 000 keys, not synced, one sync at last   0.8      3.4       67.4
//	5 000 keys, not synced at all              0.8      2.7       15.4
//	500 keys, with pauses of 4 times that      0.7      1.3       3.0
//	250 keys, not synced, the same pauses      0.8      1.2       2.9
//
// Short transactions with pauses were the best, and not to sync them gained
// nothing: so they are synced, which keeps the file whole at a power cut. On a
// busy machine the rows of 5 000 changed places (p99 of 54 to 129 ms), and that of
// 500 stayed below them (19 to 30). BenchmarkRevoke is for what came of it: Run and
// Flush as they are.
const (
	// most is how many keys a transaction stores when nothing is to be spared:
	// 100 000 take half a second (BenchmarkFlush).
	most = 5000

	// few is how many it stores in the passes of Run: each takes 3 ms, and all of
	// them a tenth of the interval, with 100 000 keys in use.
	few = 500
)

// pace says how a pass treats the disk.
type pace bool

const (
	hurry  pace = false // large transactions, one after the other
	spread pace = true  // small ones, with pauses
)

// Flush stores all that was counted before the call, at once. It waits for a
// flush that is under way. When it fails, nothing is lost: what was not stored
// stays in memory for the next one. What it stored survives kill -9, and a
// power cut too. When ctx ends, it stops between two transactions.
func (r *Recorder) Flush(ctx context.Context) error { return r.pass(ctx, hurry) }

// pass is one flush.
func (r *Recorder) pass(ctx context.Context, p pace) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	if r.closed {
		return ErrClosed
	}
	begin := time.Now()
	r.watch.tick(r.millis(), r.dropped.Load())
	err := r.ready()
	if err == nil {
		err = r.room(r.path)
	}
	if err == nil {
		err = r.storeAll(ctx, p)
	}
	if f := r.file.Load(); f != nil && f.broken.Load() {
		err = errors.Join(err, r.ready()) // for Of, now, and not at the next pass
	}
	r.flushes.Add(1)
	if !errors.Is(err, context.Canceled) { // then the next one stores the rest
		r.report(err)
	}
	r.lastTook.Store(int64(time.Since(begin)))
	return err
}

// storeAll stores what is fresh, in the order of the ids: neighbours share
// pages.
func (r *Recorder) storeAll(ctx context.Context, p pace) error {
	r.collect()
	for _, en := range r.resting { // the last pass stored it
		r.forget(en)
	}
	clear(r.resting) // or a peak of keys would stay in memory
	r.resting = r.resting[:0]
	slices.SortFunc(r.batch, func(a, b *entry) int { return strings.Compare(a.id, b.id) })
	taken, err := r.storeBatch(ctx, p)
	for _, en := range r.batch[taken:] {
		r.postpone(en)
	}
	clear(r.batch[taken:])
	r.batch, r.resting = r.resting, r.batch[:taken]
	return err
}

// postpone lists an entry for the next pass that this one did not come to.
func (r *Recorder) postpone(en *entry) {
	sh := r.shard(en.id)
	sh.mu.Lock()
	sh.dirty = append(sh.dirty, en)
	sh.mu.Unlock()
}

// collect takes the entries that have fresh counts. They stay dirty, so that
// Count does not list them again.
func (r *Recorder) collect() {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		r.batch = append(r.batch, sh.dirty...)
		clear(sh.dirty)
		sh.dirty = sh.dirty[:0]
		sh.mu.Unlock()
	}
}

// storeBatch stores the batch piece by piece, and tells how much of it was
// taken, which with an error is more than was stored.
func (r *Recorder) storeBatch(ctx context.Context, p pace) (taken int, err error) {
	size := most
	if p == spread {
		size = few
	}
	pieces := (len(r.batch) + size - 1) / size
	f := r.file.Load()
	if pieces == 0 && r.watch.overdue(r.millis()) {
		if err := f.check(nil); err != nil {
			return 0, err
		}
		return 0, r.store(nil)
	}
	for piece := range slices.Chunk(r.batch, size) {
		begin := time.Now()
		if err := cmp.Or(ctx.Err(), f.check(piece)); err != nil {
			return taken, err
		}
		taken += len(piece)
		if err := r.store(piece); err != nil {
			return taken, err
		}
		if took := time.Since(begin); p == spread && taken < len(r.batch) {
			rest(ctx, r.closing, max(r.interval*4/5/time.Duration(pieces)-took, took))
		}
	}
	return taken, nil
}
