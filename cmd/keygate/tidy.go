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
	prunePause  = time.Hour
)

// itself is who keygate is in its own audit.
var itself = keystore.By{Actor: "keygate"}

// tidy does what is to be done without anybody asking for it, until ctx ends: it removes what an unfinished import left,
// ends rotated keys that are unused, and prunes the audit.
func (s *server) tidy(ctx context.Context) error {
	if err := s.store.SweepImports(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("removing what an unfinished import left", "error", err)
	}
	retire, prune := time.NewTicker(retirePause), time.NewTicker(prunePause)
	defer retire.Stop()
	defer prune.Stop()
	s.pruneAudit()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-retire.C:
			s.retireUnused()
		case <-prune.C:
			s.pruneAudit()
		}
	}
}

// retireUnused ends the rotated keys that nobody has used for as long as their rotation asked for.
func (s *server) retireUnused() {
	retiring, err := s.store.Retiring()
	if err != nil {
		s.log.Error("looking for rotated keys that are unused", "error", err)
		return
	}
	for _, r := range retiring {
		if !unusedFor(r.RetireUnused, s.store.Now(), s.usage.LastUsed(r.ID), s.rotatedAt(r), s.usage.Watching()) {
			continue
		}
		ended, err := s.store.EndUnused(r.ID, itself)
		if err != nil {
			s.log.Error("ending a rotated key that is unused", "key_id", r.ID, "error", err)
			continue
		}
		s.log.LogAttrs(context.Background(), slog.LevelInfo, "key changed", slog.String("action", "retire"), slog.String("key_id", ended.ID),
			slog.String("actor", itself.Actor), slog.String("reason", "unused for "+r.RetireUnused.String()),
			slog.String("audit_head", s.store.AuditHead().String()))
	}
}

// rotatedAt is when a key was rotated: when its successor was made, as far as that is known.
func (s *server) rotatedAt(r *keystore.Record) time.Time {
	successor, err := s.store.Get(r.ReplacedBy)
	if err != nil {
		return s.store.Now() // not known: not yet
	}
	return successor.CreatedAt
}

// unusedFor reports whether a key has not been used for d, counted from the latest of its last use, its rotation, and the
// moment since which use is recorded without a gap: a server that was down has seen nobody.
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
