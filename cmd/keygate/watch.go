package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/antinium/keygate/extauthz"
	"github.com/antinium/keygate/observe"
	"github.com/antinium/keygate/usage"
)

// outcomes is the label set of keygate_checks_total, from the one table of reasons.
func outcomes() []observe.Outcome {
	var all []observe.Outcome
	for _, r := range extauthz.Reasons() {
		all = append(all, observe.Outcome{Result: string(r.Result()), Reason: r.String()})
	}
	return all
}

// watcher turns observations of checks into metrics and log lines.
type watcher struct {
	metrics  *observe.Metrics
	usage    *usage.Recorder
	log      *observe.CheckLog
	now      func() time.Time // by which keys expire
	prefixes func() []string  // of key texts, which no line may hold
}

func (w watcher) observe(o extauthz.Observation) {
	reason := o.Verdict.Reason
	w.metrics.Check(reason.String(), o.Duration)
	if r := o.Verdict.Record; r != nil && o.Err == nil {
		w.usage.Count(usage.Event{KeyID: r.ID, Reason: reason.String(), Allowed: reason.Allows(), Address: o.Address, At: w.now()})
	}
	if o.Panicked {
		w.metrics.Panic()
	}
	switch reason.Result() {
	case extauthz.ResultDenied:
		w.log.Write(slog.LevelInfo, "denied", func() []slog.Attr { return w.attrs(o) })
	case extauthz.ResultError:
		w.log.Write(slog.LevelError, "could not decide", func() []slog.Attr {
			return append(w.attrs(o), slog.String("error", o.Err.Error()))
		})
	}
}

// attrs holds no path: people put keys into URLs. The rule and the request id lead to Envoy's own log.
func (w watcher) attrs(o extauthz.Observation) []slog.Attr {
	v := o.Verdict
	attrs := []slog.Attr{slog.String("reason", v.Reason.String())}
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add("method", o.Method)
	if v.Routed {
		add("rule", v.RuleName())
		add("required", v.Required.String())
	}
	if v.Record != nil {
		add("key_id", v.Record.ID)
	}
	if v.Problem != nil {
		add("problem", v.Problem.Error())
	}
	add("request_id", w.requestID(o.RequestID))
	return attrs
}

// maxRequestID bounds what a client can make us write.
const maxRequestID = 128

// requestID is the client's word made fit for a log: bounded, and left out where it could hold a key.
func (w watcher) requestID(id string) string {
	for _, prefix := range w.prefixes() {
		if strings.Contains(id, prefix) {
			return "[redacted]"
		}
	}
	return id[:min(len(id), maxRequestID)]
}

func (s *server) storeStats() observe.StoreStats {
	stats, used := s.store.Stats(), s.usage.Stats()
	return observe.StoreStats{
		CacheHits: stats.CacheHits, CacheMisses: stats.CacheMisses, CacheRecords: stats.CacheRecords,
		Errors: stats.StoreErrors, CorruptRecords: stats.CorruptRecords, ClockLead: stats.ClockLead,
		DroppedLines: s.lines.Dropped(),
		UsageErrors:  used.FlushErrors, UsageDropped: used.Dropped,
	}
}

// Counting keys reads every record, so it takes at most 1 % of the time: after a count of t, the next one waits 100 t.
const (
	censusPause = 15 * time.Second
	censusShare = 100
)

// count publishes the number of keys by status until ctx ends.
func (s *server) count(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		start := time.Now()
		census, err := s.store.Census()
		if err != nil {
			s.log.Error("counting keys", "error", err)
		} else {
			byStatus := make(map[string]int, len(census.ByStatus))
			for status, count := range census.ByStatus {
				byStatus[string(status)] = count
			}
			s.metrics.Census(observe.Census{ByStatus: byStatus, Expiring: census.ExpiringSoon})
		}
		timer.Reset(max(censusPause, censusShare*time.Since(start)))
	}
}

// markPause is how often the time mark is stored: what a power cut can take back of the store's time.
const markPause = time.Minute

// keepTime stores the time mark now and then, and raises the alarm while the store's time is far ahead of the clock.
func (s *server) keepTime(ctx context.Context) error {
	tick := time.NewTicker(markPause)
	defer tick.Stop()
	for {
		if s.store.Stats().ClockWrong() {
			s.log.Error("the time of the database is far ahead of the clock, and keys expire by it: if the clock is right, stop keygate and run `keygate store reset-clock`",
				"ahead", s.store.Stats().ClockLead)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.store.SaveMark(); err != nil {
			s.log.Error("storing the time", "error", err)
		}
	}
}
