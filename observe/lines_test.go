package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLinesAreWrittenInOrder(t *testing.T) {
	var out strings.Builder
	l := NewLines(&out)
	for i := range 100 {
		fmt.Fprintf(l, "%d\n", i)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(out.String(), "\n"); len(got) != 101 || got[7] != "7" || l.Dropped() != 0 {
		t.Errorf("%d lines, %d dropped", len(got), l.Dropped())
	}
	fmt.Fprintln(l, "late")
	if l.Dropped() != 1 {
		t.Error("a line after Close is not counted as dropped")
	}
}

// A log that nobody reads holds up nobody: neither the writers of lines nor the stop.
func TestAStuckLogHoldsUpNobody(t *testing.T) {
	r, w := io.Pipe()
	l := NewLines(w)
	log := slog.New(slog.NewTextHandler(l, nil))
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range waitingLines {
				log.Info("nobody reads this")
			}
		})
	}
	writers.Wait() // hangs if Write waits for the reader
	if l.Dropped() < 6*waitingLines {
		t.Errorf("%d lines dropped", l.Dropped())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	r.Close()
	<-l.done
}
