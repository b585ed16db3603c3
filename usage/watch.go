package usage

import (
	"sync"
	"time"
)

const (
	// watchGap is how long nobody may have counted without the watch beginning
	// anew.
	watchGap = 10 * time.Minute

	// markAge is how old the file's word may become that somebody counts, while
	// there is nothing to store.
	markAge = time.Minute
)

// watch knows since when nothing was missed. All times are ms since 1970.
type watch struct {
	mu    sync.Mutex
	gap   int64
	begun int64 // of the file
	since int64 // without a gap
	beat  int64 // the last pass
	kept  int64 // all since then is in memory or in the file
	lost  uint64
	used  bool // something was stored
}

func (w *watch) start(now int64, interval time.Duration) {
	w.gap = max(watchGap, 3*interval).Milliseconds()
	w.begun, w.since, w.beat, w.kept = now, now, now, now
}

// fresh is what stands in a new file. Before anything was stored, memory holds
// all since the start; afterwards what was stored is lost.
func (w *watch) fresh(now int64) marks {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.used {
		now = w.kept
	}
	return marks{begun: now, since: now, alive: now}
}

// adopt goes on where a file ends. If that was too long before the time from
// which memory has everything, or after it, something was missed.
func (w *watch) adopt(m marks) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = m.begun
	if apart(m.alive, w.kept, w.gap) {
		w.since = w.kept
		return
	}
	w.since = m.since
}

// apart reports whether two times are more than gap apart, whichever is first.
func apart(a, b, gap int64) bool { return a-b > gap || b-a > gap }

// tick is called at each pass. It notices a process that stood still, and events
// that were dropped since the last one.
func (w *watch) tick(now int64, dropped uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if apart(w.beat, now, w.gap) || dropped != w.lost {
		w.since = now
	}
	w.beat, w.lost = now, dropped
}

// overdue reports whether the file should be told that nothing was missed,
// although nothing happened.
func (w *watch) overdue(now int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return apart(w.kept, now, markAge.Milliseconds())
}

// marks is what a transaction at the time now stores.
func (w *watch) marks(now int64) marks {
	w.mu.Lock()
	defer w.mu.Unlock()
	return marks{since: w.since, alive: now}
}

// stored notes that the transaction of these marks is in the file.
func (w *watch) stored(m marks) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept, w.used = m.alive, true
}

// Begun tells since when the file at hand has been recording; memory alone, if
// there is none. What was used before that, and not since, looks unused.
func (r *Recorder) Begun() time.Time {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	return moment(r.watch.begun)
}

// Watching tells since when usage has been recorded without a gap of more than
// 10 minutes (or three intervals, if those are longer): without the server
// standing still, the file being lost, or events being dropped. A key is unused
// only if Watching is before the time in question: it is never before Begun.
func (r *Recorder) Watching() time.Time {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	return moment(max(r.watch.since, r.watch.begun))
}
