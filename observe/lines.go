package observe

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
)

// waitingLines is how many lines wait for a slow reader before further ones are dropped.
const waitingLines = 4096

// Lines hands lines to a writer without ever making anyone wait: a log that nobody reads (a stuck journal, a paused
// terminal, a full pipe) must not hold up checks. Beyond 4096 waiting lines it drops and counts. It is safe for
// concurrent use. Close it to have the rest written.
type Lines struct {
	w       io.Writer
	queue   chan []byte
	dropped atomic.Uint64
	done    chan struct{}

	mu     sync.RWMutex // held for reading while a line is queued, so that Close never closes under a writer
	closed bool
}

// NewLines starts writing to w.
func NewLines(w io.Writer) *Lines {
	l := &Lines{w: w, queue: make(chan []byte, waitingLines), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for line := range l.queue {
			_, _ = l.w.Write(line) // nobody is left to tell
		}
	}()
	return l
}

// Write queues one line, or drops it. It never blocks and never fails.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		l.dropped.Add(1)
		return len(line), nil
	}
	select {
	case l.queue <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

// Dropped counts the lines that were never written.
func (l *Lines) Dropped() uint64 { return l.dropped.Load() }

// Close takes no more lines and waits until all that were taken are written, or until ctx ends; ctx's error tells that
// some were not. A writer that is stuck keeps its goroutine.
func (l *Lines) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
