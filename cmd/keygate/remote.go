package main

import (
	"net"

	"github.com/antinium/keygate/admin"
)

// buildAdmin makes the management API, which the socket and the TCP listener share, and the console.
func (s *server) buildAdmin() {
	s.admin = admin.New(admin.Options{
		Store: s.store, Usage: s.usage, Log: s.log,
		Explain: s.explain, Reload: s.reload, Ready: s.readiness,
		FullKeysManage: s.fullKeysManage.Load,
	})
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
