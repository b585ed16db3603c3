package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/antinium/keygate/keystore"
)

// How often it is looked for what is to be done without anybody asking for it.
const (
	retirePause = 20 * time.Second
	sweepPause  = time.Minute
	prunePause  = time.Hour
)

// itself is who keygate is in its own audit.
var itself = keystore.By{Actor: "keygate"}

// tidy does what is to be done without anybody asking for it, until ctx ends: it removes what unfinished imports left,
// ends rotated keys that are unused, and prunes the audit. What fails is logged, and tried again.
func (s *server) tidy(ctx context.Context) error {
	retire, sweep, prune := time.NewTicker(retirePause), time.NewTicker(sweepPause), time.NewTicker(prunePause)
	defer retire.Stop()
	defer sweep.Stop()
	defer prune.Stop()
	s.sweepImports(ctx)
	s.pruneAudit()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-retire.C:
			s.retireUnused(ctx)
		case <-sweep.C:
			s.sweepImports(ctx)
		case <-prune.C:
			s.pruneAudit()
		}
	}
}

func (s *server) sweepImports(ctx context.Context) {
	if err := s.store.SweepImports(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("removing what an unfinished import left", "error", err)
	}
}

// retireUnused ends the rotated keys that nobody has used for as long as their rotation asked for.
func (s *server) retireUnused(ctx context.Context) {
	retiring, err := s.store.Retiring()
	if err != nil {
		s.log.Error("looking for rotated keys that are unused", "error", err)
		return
	}
	for _, r := range retiring {
		if ctx.Err() != nil {
			return
		}
		if !s.isUnused(r) {
			continue
		}
		ended, err := s.store.EndUnused(r.ID, itself)
		if err != nil {
			s.log.Error("ending a rotated key that is unused", "key_id", r.ID, "error", err)
			continue
		}
		s.log.LogAttrs(ctx, slog.LevelInfo, "key changed", slog.String("action", "retire"), slog.String("key_id", ended.ID),
			slog.String("actor", itself.Actor), slog.String("reason", "unused for "+r.RetireUnused.String()),
			slog.String("audit_head", s.store.AuditHead().String()))
	}
}

// shortWish is a wish so short that an outage of the server, which watchers of usage overlook up to 10 minutes, would be a
// good part of it.
const shortWish = time.Hour

// isUnused counts from the latest of a rotated key's last use, its rotation, its arrival here, and the moment since which
// use is recorded without a gap: a server that was down has seen nobody. What is not known is no reason to end a key.
func (s *server) isUnused(r *keystore.Record) bool {
	used, err := s.usage.Seen(r.ID)
	if err != nil {
		return false
	}
	since := []time.Time{used, s.usage.Watching(), r.ArrivedAt()}
	if r.RetireUnused < shortWish {
		since = append(since, s.began)
	}
	now := s.store.Now()
	if !unusedFor(r.RetireUnused, now, since...) {
		return false
	}
	successor, err := s.store.GetIndexed(r.ReplacedBy) // made when the key was rotated
	return err == nil && unusedFor(r.RetireUnused, now, successor.CreatedAt)
}

// unusedFor reports whether all of the times are d or more ago.
func unusedFor(d time.Duration, now time.Time, since ...time.Time) bool {
	for _, t := range since {
		if now.Sub(t) < d {
			return false
		}
	}
	return true
}

// pruneAudit removes the audit records that are older than they are kept.
func (s *server) pruneAudit() {
	if s.started.Audit.Keep == 0 {
		return
	}
	removed, err := s.store.PruneAudit(s.started.Audit.Keep, itself)
	switch {
	case err != nil:
		s.log.Error("pruning the audit", "error", err)
	case removed > 0:
		s.log.Info("audit pruned", "removed", removed, "audit_head", s.store.AuditHead().String())
	}
}
