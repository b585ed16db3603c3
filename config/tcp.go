package config

import "net"

// Enabled tells whether a certificate is configured.
func (t TLS) Enabled() bool { return t.Cert != "" || t.Key != "" }

// halfTLS reports a certificate without its key, or a key without its certificate,
// where the one that is there stands.
func (c *Config) halfTLS() []Problem {
	switch t := c.Admin.TLS; {
	case t.Cert != "" && t.Key == "":
		return []Problem{c.about("admin.tls.cert", "found a certificate without admin.tls.key, expected both or none")}
	case t.Key != "" && t.Cert == "":
		return []Problem{c.about("admin.tls.key", "found a key without admin.tls.cert, expected both or none")}
	}
	return nil
}

// plainListener refuses to let keys cross the network in plain text unless
// somebody said so.
func (c *Config) plainListener() []Problem {
	a := c.Admin
	if a.Listen == "" || a.onLoopback() || a.TLS.Enabled() || a.AllowPlaintext {
		return nil
	}
	return []Problem{c.about("admin.listen", "found %s without TLS, where keys would cross the network in plain text, expected admin.tls.cert and admin.tls.key,"+
		" or an address on loopback, or, behind a TLS proxy, admin.allow_plaintext: true", quote(a.Listen))}
}

// onLoopback tells whether only this machine can reach the listener.
func (a *Admin) onLoopback() bool {
	host, _, err := net.SplitHostPort(a.Listen)
	return err == nil && isLoopback(host)
}

// warnOfAdmin finds settings of the TCP listener that do nothing, and one that
// lets others read keys. To switch the listener off for a while is no mistake, so
// none of it refuses the file.
func (c *Config) warnOfAdmin() []Problem {
	a := c.Admin
	if a.Listen == "" {
		return c.idleSettings()
	}
	plain := !a.TLS.Enabled() && !a.onLoopback()
	switch {
	case plain && a.PublicURL == "":
		return []Problem{c.about("admin.listen", "%s speaks plain text: let only a TLS proxy reach it, and say in admin.public_url where browsers find that proxy", a.Listen)}
	case plain:
		return []Problem{c.about("admin.listen", "%s speaks plain text: see that only a TLS proxy can reach it", a.Listen)}
	case a.AllowPlaintext && a.TLS.Enabled():
		return []Problem{c.about("admin.allow_plaintext", "it does nothing beside admin.tls: remove it, so that no plain listener follows when TLS goes")}
	}
	return nil
}

// idleSettings are those that nothing reads while there is no listener.
func (c *Config) idleSettings() []Problem {
	var out []Problem
	for _, s := range []struct {
		field string
		given bool
	}{
		{"admin.tls.cert", c.Admin.TLS.Enabled()}, {"admin.allow_plaintext", c.Admin.AllowPlaintext}, {"admin.public_url", c.Admin.PublicURL != ""},
	} {
		if s.given {
			out = append(out, c.about(s.field, "it does nothing without admin.listen"))
		}
	}
	return out
}
