package unixsocket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestConcurrentStarts lets many starts find the same stale file. Each goroutine
// stands for a process: flock(2) belongs to the open file, not to the process.
func TestConcurrentStarts(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	for range 20 {
		mustLeaveStale(t, path)
		var won atomic.Int32
		var winner atomic.Pointer[net.Listener]
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				l, err := Listen(path, 0o600)
				var inUse *InUseError
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(&l)
				case !errors.As(err, &inUse):
					t.Errorf("a loser got %v", err)
				}
			})
		}
		all.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("%d starts won", n)
		}
		if _, err := net.Dial("unix", path); err != nil {
			t.Fatalf("the winner is deaf: %v", err)
		}
		if err := (*winner.Load()).Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSecondStartWaitsBetweenLookAndBind forces the order that would leave the
// first start deaf: a second one looks after the first has looked, before it has
// bound.
func TestSecondStartWaitsBetweenLookAndBind(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	mustLeaveStale(t, path)
	second := make(chan error, 1)
	var once sync.Once
	testingOnlyBeforeBind = func() {
		once.Do(func() {
			f, err := os.Open(filepath.Dir(path))
			if err != nil {
				second <- err
				return
			}
			defer f.Close()
			second <- syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		})
	}
	defer func() { testingOnlyBeforeBind = nil }()
	mustListen(t, path, 0o600)
	if err := <-second; !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatalf("the folder was not locked between look and bind: %v", err)
	}
}
