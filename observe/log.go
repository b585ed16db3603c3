package observe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// NewLogger writes structured lines to w: format "text" (logfmt) or "json", level debug, info, warn or error.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// The bounded rate of lines about checks: a flood of bad keys must not become a flood of writes.
const (
	checkLinesPerSecond = 10
	checkLinesBurst     = 50
)

// CheckLog writes one line for each denied or failed check, at most 10 a second with bursts of 50. Lines that were
// held back are counted, and the next line says how many. It is safe for concurrent use.
type CheckLog struct {
	log     *slog.Logger
	limiter *rate.Limiter
	held    atomic.Uint64
}

// NewCheckLog writes to log.
func NewCheckLog(log *slog.Logger) *CheckLog {
	return &CheckLog{log: log, limiter: rate.NewLimiter(checkLinesPerSecond, checkLinesBurst)}
}

// Write logs the line unless the rate is exceeded. attrs is called only for a line that is written.
func (c *CheckLog) Write(level slog.Level, message string, attrs func() []slog.Attr) {
	if !c.log.Enabled(context.Background(), level) {
		return
	}
	if !c.limiter.Allow() {
		c.held.Add(1)
		return
	}
	line := attrs()
	if held := c.held.Swap(0); held > 0 {
		line = append(line, slog.Uint64("held_back", held))
	}
	c.log.LogAttrs(context.Background(), level, message, line...)
}
