package main

import (
	"fmt"
	"net"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/admin/console"
)

// buildAdmin makes the management API, which the socket and the TCP listener share, and the console.
func (s *server) buildAdmin() {
	options := admin.Options{
		Store: s.store, Usage: s.usage, Log: s.log,
		Explain: s.explain, Reload: s.reload, Ready: s.readiness,
		FullKeysManage: s.fullKeysManage.Load,
	}
	if s.started.Admin.Listen != "" {
		options.ConsoleLink = func(who admin.Principal) (admin.ConsoleLink, error) { return s.console.Link(who) }
	}
	s.admin = admin.New(options)
}

// buildConsole makes the console, which must know where browsers reach it.
func (s *server) buildConsole() (err error) {
	if s.remoteOn == nil {
		return nil
	}
	kept := ""
	if days := s.started.Audit.Keep / (24 * time.Hour); days > 0 {
		kept = fmt.Sprintf("%d days", days)
	}
	s.console, err = console.New(console.Options{
		Server: s.admin, URL: s.remoteURL(), TryURL: s.started.Admin.TryURL, AuditKept: kept, Log: s.log,
	})
	if err == nil {
		s.admin.SetConsole(s.console)
	}
	return err
}

// listenRemote opens the TCP listener of the management API; nil when it is off.
func (s *server) listenRemote() (net.Listener, error) {
	if s.started.Admin.Listen == "" {
		return nil, nil
	}
	tls := s.started.Admin.TLS
	return admin.ListenTCP(s.started.Admin.Listen, tls.Cert, tls.Key, s.log)
}

// remoteURL is where the management API and the console are reached.
func (s *server) remoteURL() string {
	if s.started.Admin.PublicURL != "" {
		return s.started.Admin.PublicURL
	}
	scheme := "http://"
	if s.started.Admin.TLS.Cert != "" {
		scheme = "https://"
	}
	return scheme + s.remoteOn.Addr().String()
}
