package usage

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultInterval is the time between two flushes unless Options says otherwise.
	defaultInterval = 5 * time.Second

	// maxKeys bounds the keys in memory, at 340 bytes each (BenchmarkMemory).
	maxKeys = 1 << 20

	// lastFlush bounds the flush with which Run and Close end: a server that is
	// told to stop has seconds.
	lastFlush = 10 * time.Second
)

// ErrClosed: the recorder was closed before the call.
var ErrClosed = errors.New("the usage recorder is closed")

// Options says where usage is kept. Path is needed.
type Options struct {
	Path     string           // of the file, made if there is none; its folder must exist
	Interval time.Duration    // between two flushes; 0 = 5 s
	Now      func() time.Time // the clock that events are dated by; nil = time.Now
	Log      *slog.Logger     // nil = slog.Default()
}

// Recorder counts. Close releases its file.
type Recorder struct {
	path     string
	interval time.Duration
	now      func() time.Time
	log      *slog.Logger

	seed    maphash.Seed
	shards  [shardCount]shard
	keys    atomic.Int64 // in all shards
	maxKeys int64
	dropped atomic.Uint64

	flushing sync.Mutex    // one pass at a time; guards what is grouped here
	closed   bool          // no pass any more
	closing  chan struct{} // closed when Close was called: no more pauses
	close    sync.Once
	batch    []*entry // what a pass stores
	resting  []*entry // what the last one stored: leaves memory unless it was used since
	writer   writer
	trouble  string // the last error that was logged, "" when all is well

	// joined is held for writing while counts turn from memory to the file, and
	// while the file changes, so that whoever holds it for reading sees each
	// event once.
	joined sync.RWMutex
	file   atomic.Pointer[file] // nil: memory alone

	watch watch

	flushes, flushErrors, damaged atomic.Uint64
	lastTook                      atomic.Int64

	room func(path string) error // whether the disk has some

	testingOnlyStored func(keys int) // after each transaction
}

// Open opens the usage file at o.Path, and makes it if there is none. The
// caller must Close the Recorder, and Run it.
//
// The only error is an empty path. A file that is damaged, not ours, or that
// this process may not read is moved aside, to usage.db.broken-TIME, and a new
// one is begun; the last three of those are kept. Where no file can be had (another
// process holds it, the folder is missing or read-only, the disk is full), the
// recorder counts in memory alone, says so in the log, and tries again at each
// flush.
func Open(o Options) (*Recorder, error) {
	if o.Path == "" {
		return nil, errors.New("open usage: the path is empty")
	}
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Recorder{
		path: o.Path, interval: o.Interval, now: o.Now, log: o.Log,
		seed: maphash.MakeSeed(), maxKeys: maxKeys, closing: make(chan struct{}), room: room,
		writer: writer{names: names{}},
	}
	for i := range r.shards {
		r.shards[i].keys = map[string]*entry{}
	}
	r.watch.start(r.millis(), r.interval)
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.report(r.ready())
	return r, nil
}

// Run flushes every interval until ctx ends, then once more, within 10 seconds.
// A flush stores few keys at a time, and spreads that over the interval. The
// error is that of the last flush, and is in the log too.
func (r *Recorder) Run(ctx context.Context) error {
	for begin := time.Now(); rest(ctx, r.closing, r.interval-time.Since(begin)); {
		begin = time.Now()
		_ = r.pass(ctx, spread) // which logged it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	if err := r.Flush(ctx); !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// rest waits, and reports false when it was ended by ctx or stop.
func rest(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// Close flushes what is left, within 10 seconds, and releases the file. Count
// may still be called: what it counts is lost. A second Close does nothing.
func (r *Recorder) Close() error {
	var err error
	r.close.Do(func() {
		close(r.closing)
		ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
		defer cancel()
		if err = r.Flush(ctx); err != nil && ctx.Err() == nil {
			err = r.Flush(ctx) // into a new file, if the first one found ours broken
		}
		r.flushing.Lock()
		defer r.flushing.Unlock()
		r.closed = true
		err = errors.Join(err, r.leave())
	})
	return err
}

// leave gives up the file, if there is one. The caller holds r.flushing.
func (r *Recorder) leave() error {
	r.joined.Lock()
	defer r.joined.Unlock()
	f := r.file.Swap(nil)
	if f == nil {
		return nil
	}
	return f.release()
}

// millis is the time in milliseconds since 1970, as everything here counts it;
// 0 is no time.
func (r *Recorder) millis() int64 { return min(max(r.now().UnixMilli(), 1), maxMillis) }

// report counts err, and logs it when it is news, and the end of a trouble. The
// caller holds r.flushing.
func (r *Recorder) report(err error) {
	if err != nil {
		r.flushErrors.Add(1)
	}
	switch {
	case err == nil && r.trouble != "":
		r.trouble = ""
		r.log.Info("usage is stored again", slog.String("path", r.path))
	case err != nil && err.Error() != r.trouble:
		r.trouble = err.Error()
		r.log.Warn("usage is kept in memory alone until it can be stored; checks go on", slog.Any("error", err))
	}
}

// Stats is what the metrics show.
type Stats struct {
	Flushes       uint64        // finished, whether they failed or not
	FlushErrors   uint64        // that failed
	Keys          int           // in memory
	Dropped       uint64        // events of new keys while memory was full, or of no valid id
	DamagedValues uint64        // in the file, counted as absent
	LastFlush     time.Duration // how long the last one took, with its pauses
	MemoryOnly    bool          // no file at the moment
}

// Stats is cheap.
func (r *Recorder) Stats() Stats {
	return Stats{
		Flushes:       r.flushes.Load(),
		FlushErrors:   r.flushErrors.Load(),
		Keys:          int(r.keys.Load()),
		Dropped:       r.dropped.Load(),
		DamagedValues: r.damaged.Load(),
		LastFlush:     time.Duration(r.lastTook.Load()),
		MemoryOnly:    r.file.Load() == nil,
	}
}
