package console

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLedgerIsBounded(t *testing.T) {
	c := &clock{}
	l := newLedger[int](time.Hour, time.Hour, 10, 3, c.now)
	var tokens []string
	for i := range 5 {
		c.move(time.Second)
		tokens = append(tokens, l.add("one", i))
	}
	if len(l.entries) != 3 {
		t.Errorf("%d entries of one owner, want 3", len(l.entries))
	}
	if _, ok := l.use(tokens[2]); !ok {
		t.Error("the third is gone")
	}
	l.add("one", 5) // and the third was used a moment ago
	if _, ok := l.look(tokens[2]); !ok {
		t.Error("what was used last is forgotten first")
	}
	for i := range 100 {
		l.add(fmt.Sprint(i), i)
	}
	if len(l.entries) != 10 {
		t.Errorf("%d entries, want 10", len(l.entries))
	}
	c.move(time.Hour)
	l.add("late", 0)
	if len(l.entries) != 1 {
		t.Errorf("%d entries after all but one have ended", len(l.entries))
	}
}

// Of many who redeem one link at once, one gets in.
func TestLedgerTakesOnce(t *testing.T) {
	l := newLedger[int](time.Hour, time.Hour, 10, 10, time.Now)
	token := l.add("", 7)
	var got atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if value, ok := l.take(token); ok && value == 7 {
				got.Add(1)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Errorf("taken %d times", got.Load())
	}
}

// The memory of the server does not hold what a browser would have to send.
func TestLedgerKeepsNoToken(t *testing.T) {
	l := newLedger[int](time.Hour, time.Hour, 10, 10, time.Now)
	token := l.add("", 1)
	for hash := range l.entries {
		if string(hash[:]) == token || len(token) != 43 {
			t.Errorf("token %q is kept as it is", token)
		}
	}
	if l.add("", 1) == token {
		t.Error("the same token twice")
	}
}
