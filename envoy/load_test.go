package envoy

import (
	"sync"
	"testing"
)

// load repeats requests from several goroutines until it is stopped, at the
// latest when the test ends.
type load struct {
	done chan struct{}
	once sync.Once
	wait sync.WaitGroup
}

func startLoad(t *testing.T, clients int, request func()) *load {
	l := &load{done: make(chan struct{})}
	for range clients {
		l.wait.Go(func() { l.repeat(request) })
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) repeat(request func()) {
	for {
		select {
		case <-l.done:
			return
		default:
			request()
		}
	}
}

// stop returns when the last request has been answered.
func (l *load) stop() {
	l.once.Do(func() { close(l.done) })
	l.wait.Wait()
}
