package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// socket is a Unix socket of the configuration, or another path that wants to be its own.
type socket struct{ field, path string }

// authzSockets are the Unix sockets that Envoy uses.
func (c *Config) authzSockets() []socket {
	var out []socket
	for i, a := range c.Listen {
		if a.Network == "unix" {
			out = append(out, socket{numbered("listen", i), a.Address})
		}
	}
	return out
}

// checkTogether reports values that are fine alone and wrong together.
func (c *Config) checkTogether(r *report) {
	if !r.hasProblemWith("admin.listen", "admin.tls", "admin.allow_plaintext") {
		r.list = append(r.list, c.halfTLS()...)
		r.list = append(r.list, c.plainListener()...)
	}
	r.list = append(r.list, c.sharedFolder(filepath.Clean)...)
	r.list = append(r.list, c.longSockets()...)
	r.list = append(r.list, c.sameFile()...)
	r.list = append(r.list, c.usageFile()...)
	r.list = append(r.list, c.samePort()...)
}

// hasProblemWith tells whether one of these fields, or a field of theirs, was not
// read: what is then missing is no second mistake.
func (r *report) hasProblemWith(fields ...string) bool {
	return slices.ContainsFunc(r.list, func(p Problem) bool {
		return slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(p.Message, f) })
	})
}

// blame chooses which of two fields that clash is reported: one that somebody
// wrote, rather than one that has its default.
func (c *Config) blame(a, b string) (field, other string) {
	if (c.origin(a) == origin{}) {
		return b, a
	}
	return a, b
}

// sharedFolder refuses an admin socket beside an ext_authz socket: who may open
// the folder for Envoy's sake would be an operator. real turns a folder into the
// one it stands for.
func (c *Config) sharedFolder(real func(string) string) []Problem {
	door := real(filepath.Dir(c.Admin.Socket))
	for _, s := range c.authzSockets() {
		if real(filepath.Dir(s.path)) == door {
			field, _ := c.blame("admin.socket", s.field)
			return []Problem{c.about(field, "found the admin socket %s in the folder of the ext_authz socket %s, expected one in a folder that Envoy cannot reach",
				quote(c.Admin.Socket), quote(s.path))}
		}
	}
	return nil
}

// longSockets looks at the paths as they will be used, after a relative one was resolved.
func (c *Config) longSockets() []Problem {
	var out []Problem
	for _, s := range append(c.authzSockets(), socket{"admin.socket", c.Admin.Socket}) {
		if len(s.path) > longestSocket {
			out = append(out, c.about(s.field, "found the path %s of %d bytes, expected at most %d, the most that a Unix socket can have",
				quote(s.path), len(s.path), longestSocket))
		}
	}
	return out
}

// sameFile reports two things that would be one file.
func (c *Config) sameFile() []Problem {
	others := append(c.authzSockets(), socket{"admin.socket", c.Admin.Socket}, socket{"store.pepper_file", c.Store.PepperFile},
		socket{"admin.tls.cert", c.Admin.TLS.Cert}, socket{"admin.tls.key", c.Admin.TLS.Key})
	var out []Problem
	for _, s := range others {
		if s.path != "" && filepath.Clean(s.path) == filepath.Clean(c.Store.Path) {
			field, other := c.blame(s.field, "store.path")
			out = append(out, c.about(field, "found the same path as %s, expected one of its own", other))
		}
	}
	return out
}

// UsagePath is where the counts of the checks lie: usage.db beside the keys.
func (s *Store) UsagePath() string { return filepath.Join(filepath.Dir(s.Path), "usage.db") }

// usageFile reports a key database in the place of the counts.
func (c *Config) usageFile() []Problem {
	if filepath.Clean(c.Store.Path) != c.Store.UsagePath() {
		return nil
	}
	return []Problem{c.about("store.path", "found %s, the name of the file with the counts of checks beside the keys, expected another name", quote(c.Store.Path))}
}

// samePort reports two TCP listeners at one address.
func (c *Config) samePort() []Problem {
	var out []Problem
	listeners := c.tcpListeners()
	for i, l := range listeners {
		if strings.HasSuffix(l.address, ":0") {
			continue
		}
		earlier := slices.IndexFunc(listeners[:i], func(other listener) bool { return other.address == l.address })
		if earlier >= 0 {
			field, other := c.blame(l.field, listeners[earlier].field)
			out = append(out, c.about(field, "found the same address as %s, expected one of its own", other))
		}
	}
	return out
}

// listener is a TCP listener of the configuration.
type listener struct{ field, address string }

func (c *Config) tcpListeners() []listener {
	var out []listener
	for i, a := range c.Listen {
		if a.Network == "tcp" {
			out = append(out, listener{numbered("listen", i), a.Address})
		}
	}
	for _, l := range []listener{{"observe", c.Observe}, {"admin.listen", c.Admin.Listen}} {
		if l.address != "" {
			out = append(out, l)
		}
	}
	return out
}
