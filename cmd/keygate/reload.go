package main

import (
	"context"
	"os"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/extauthz"
)

// policyOf is the part of a configuration that a reload can put in force.
func policyOf(c *config.Config) *extauthz.Policy {
	return extauthz.NewPolicy(c.Routes, extauthz.Responses{
		Realm:                  c.Responses.Realm,
		InsufficientPermission: c.Responses.InsufficientPermission,
		HeaderPrefix:           c.Responses.HeaderPrefix,
		ForwardCredential:      c.Responses.ForwardCredential,
		ForwardOverrides:       c.Responses.ForwardOverrides,
		CheckPreflights:        c.Responses.Preflight == "check",
		ClientAddress:          c.Usage.ClientAddress,
	})
}

// reloadOn reloads at each signal until ctx ends. A bad file is logged and changes nothing.
func (s *server) reloadOn(ctx context.Context, hangup <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			_, _ = s.reload(ctx) // logged and counted there
		}
	}
}

// withStartedPrefix keeps the header prefix of the start: Envoy's configuration names it too, and the two change together.
func (s *server) withStartedPrefix(next *config.Config) *config.Config {
	kept := *next
	kept.Responses.HeaderPrefix = s.started.Responses.HeaderPrefix
	return &kept
}

// reload reads the file again and swaps routes, default, expect and responses in one step. A bad file leaves
// the policy in force as it is. What the file changed but only a restart applies is named.
func (s *server) reload(context.Context) (admin.Reloaded, error) {
	s.reloadLock.Lock()
	defer s.reloadLock.Unlock()
	next, err := config.Load(s.file, s.getenv)
	if err != nil {
		s.metrics.Reload(time.Now(), false)
		s.log.Error("reload refused: the configuration in force stays", "config", s.file, "error", err)
		return admin.Reloaded{}, err
	}
	s.service.SetPolicy(policyOf(s.withStartedPrefix(next)))
	s.fullKeysManage.Store(next.Admin.FullKeysManage)
	s.metrics.Reload(time.Now(), true)
	done := admin.Reloaded{Routes: len(next.Routes.Rows()), NeedsRestart: config.NeedsRestart(s.started, next)}
	for _, warning := range next.Warnings() {
		done.Warnings = append(done.Warnings, warning.String())
	}
	s.log.Info("reloaded", "config", next.File, "needs_restart", done.NeedsRestart, "warnings", done.Warnings)
	return done, nil
}
