package config

import (
	"errors"
	"strings"
	"testing"
)

// TestOneSlipIsOneProblem has values that are wrong, without which others would look alone.
func TestOneSlipIsOneProblem(t *testing.T) {
	for _, source := range []string{
		"admin: { listen: 127.0.0.1:9495, tls: { cert: c/, key: k } }", "admin: { listen: 127.0.0.1:9495, tls: { cert: c, key: 7 } }",
		"admin: { listen: 0.0.0.0:9495, tls: yes }", "admin: { listen: 0.0.0.0:9495, allow_plaintext: yes }", "admin: { listen: 0.0.0.0:9495, tls: { cert: c } }",
	} {
		var problems *Problems
		if _, err := Parse("f", []byte(source), nil); !errors.As(err, &problems) || len(problems.List) != 1 {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestListenersOffLoopbackWantTLSOrAWord(t *testing.T) {
	for host, loopback := range map[string]bool{
		"127.0.0.1": true, "127.255.0.9": true, "[::1]": true, "localhost": true, "LocalHost": true, "[::ffff:127.0.0.1]": true,
		"0.0.0.0": false, "[::]": false, "10.0.0.1": false, "128.0.0.1": false, "keys.example.com": false, "localhost.example.com": false, "a.localhost": false,
	} {
		for rest, allowed := range map[string]bool{"": loopback, ", tls: { cert: c, key: k }": true, ", allow_plaintext: true": true} {
			source := "admin: { listen: '" + host + ":9495'" + rest + " }"
			if _, err := Parse("f", []byte(source), nil); (err == nil) != allowed {
				t.Errorf("%s: %v, want it to be taken: %v", source, err, allowed)
			}
		}
	}
}

func TestWarningsOfTheAdminListener(t *testing.T) {
	for source, want := range map[string][]string{
		"admin: { listen: 127.0.0.1:9495, public_url: http://localhost:9495 }": nil,
		"admin: { listen: 0.0.0.0:9495, tls: { cert: c, key: k } }":            nil,
		"admin: { listen: 127.0.0.1:9495, allow_plaintext: true }":             nil,
		"admin: { listen: 0.0.0.0:9495, allow_plaintext: true }": {
			"f:1:18: admin.listen: 0.0.0.0:9495 speaks plain text: let only a TLS proxy reach it, and say in admin.public_url where browsers find that proxy"},
		"admin: { listen: 0.0.0.0:9495, allow_plaintext: true, public_url: https://a }": {
			"f:1:18: admin.listen: 0.0.0.0:9495 speaks plain text: see that only a TLS proxy can reach it"},
		"admin: { listen: 0.0.0.0:9495, allow_plaintext: true, tls: { cert: c, key: k } }": {
			"f:1:49: admin.allow_plaintext: it does nothing beside admin.tls: remove it, so that no plain listener follows when TLS goes"},
		"admin: { tls: { cert: c, key: k }, allow_plaintext: true, public_url: https://a }": {
			"f:1:23: admin.tls.cert: it does nothing without admin.listen", "f:1:53: admin.allow_plaintext: it does nothing without admin.listen",
			"f:1:71: admin.public_url: it does nothing without admin.listen"},
		"listen: unix:/srv/e/a.sock\nadmin: { listen: 127.0.0.1:9495, tls: { cert: /srv/e/c, key: /srv/e/k } }": {
			"f:2:62: admin.tls.key: it lies in the folder of the ext_authz socket, /srv/e, which Envoy can read: use another"},
	} {
		c, err := Parse("f", []byte(source), nil)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		var got []string
		for _, w := range c.Warnings() {
			got = append(got, w.String())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s\ngot  %q\nwant %q", source, got, want)
		}
	}
}
