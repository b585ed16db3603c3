package config

import (
	"crypto/tls"
	"fmt"
	"os"
	"time"
)

// Load reads the certificate and its key, as they are in their files now. The
// error, if any, names the field at fault. It shows neither the key nor the path
// of its file, in whose place somebody may have pasted the key.
func (t TLS) Load() (tls.Certificate, error) {
	pair, field, err := t.load()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", field, err)
	}
	return pair, nil
}

func (t TLS) load() (pair tls.Certificate, field string, err error) {
	cert, err := read(t.Cert)
	if err != nil {
		return tls.Certificate{}, "admin.tls.cert", fmt.Errorf("found the certificate %s, which cannot be read: %w", quote(t.Cert), plain(err))
	}
	key, err := read(t.Key)
	if err != nil {
		return tls.Certificate{}, "admin.tls.key", fmt.Errorf("found a key file that cannot be read: %w", plain(err))
	}
	pair, err = tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, "admin.tls.cert", fmt.Errorf("found a certificate and a key that cannot be used together, expected PEM files of a pair: %w", err)
	}
	return pair, "", nil
}

// checkTLS leaves files alone that nothing reads.
func (c *Config) checkTLS() []Problem {
	if !c.servesTLS() {
		return nil
	}
	if _, field, err := c.Admin.TLS.load(); err != nil {
		return []Problem{c.about(field, "%v", err)}
	}
	return nil
}

func (c *Config) servesTLS() bool { return c.Admin.Listen != "" && c.Admin.TLS.Enabled() }

// FileWarnings are what CheckFiles lets pass and an operator should look at: secrets
// that every user of the machine can read, and a certificate that is not valid now.
func (c *Config) FileWarnings(now time.Time) []Problem {
	r := &report{}
	secrets := []socket{{"store.pepper_file", c.Store.PepperFile}}
	if c.servesTLS() {
		secrets = append(secrets, socket{"admin.tls.key", c.Admin.TLS.Key})
		r.list = append(r.list, c.warnOfCertificate(now)...)
	}
	for _, s := range secrets {
		if info, err := os.Stat(s.path); err == nil && exposed(info) {
			r.list = append(r.list, c.about(s.field, "every user of this machine can read the file (mode %04o): take that right away with `chmod o-r`", info.Mode().Perm()))
		}
	}
	return r.sorted()
}

func (c *Config) warnOfCertificate(now time.Time) []Problem {
	pair, err := c.Admin.TLS.Load()
	switch {
	case err != nil:
		return nil // CheckFiles says so
	case now.After(pair.Leaf.NotAfter):
		return []Problem{c.about("admin.tls.cert", "the certificate has expired, on %s: clients will refuse it", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))}
	case now.Before(pair.Leaf.NotBefore):
		return []Problem{c.about("admin.tls.cert", "the certificate is valid from %s only: clients will refuse it until then", pair.Leaf.NotBefore.UTC().Format(time.RFC3339))}
	}
	return nil
}
