package config

import (
	"slices"
	"strings"
	"testing"
)

func TestNeedsRestart(t *testing.T) {
	old := mustParse(t, "default: full")
	everything := mustParse(t, `
listen: unix:/run/keygate/envoy/a.sock
store: { path: /srv/k.db, cache_records: 1, pepper_file: /srv/pepper }
admin:
  socket: /srv/admin.sock
  listen: 127.0.0.1:9495
  tls: { cert: /srv/cert.pem, key: /srv/key.pem }
  allow_plaintext: true
  public_url: https://keys.example.com
  full_keys_manage: false
usage: { flush_interval: 1m, client_address: true }
audit: { keep: 2w }
observe: ""
keys: { prefix: x_ }
responses: { realm: r, insufficient_permission: 403, header_prefix: x-r-, forward_credential: true, forward_overrides: true, preflight: check }
log: { format: json, level: warn }
routes: { /a: { GET: read } }
default: deny
expect: { GET /a: read }
`)
	want := []string{"listen", "store.path", "store.cache_records", "store.pepper_file", "admin.socket", "admin.listen", "admin.tls.cert", "admin.tls.key",
		"admin.allow_plaintext", "admin.public_url", "usage.flush_interval", "audit.keep", "observe", "keys.prefix", "responses.header_prefix", "log.format", "log.level"}
	if got := NeedsRestart(old, everything); !slices.Equal(got, want) {
		t.Errorf("restart for %q, want %q", got, want)
	}
	if got := NeedsRestart(old, mustParse(t, "listen: [127.0.0.1:9494]\nobserve: 127.0.0.1:9496\naudit: { keep: 9600h }\nadmin: { listen: off }")); got != nil {
		t.Errorf("restart for %q though nothing differs", got)
	}
}

func TestWarnings(t *testing.T) {
	c := mustParse(t, `listen: [0.0.0.0:9494, "[::1]:9494", unix:/srv/keygate/envoy.sock]
store: { path: /srv/keygate/keys.db }
admin: { socket: /srv/keygate/admin/admin.sock }
responses:
  forward_credential: true
  forward_overrides: true
routes:
  /v1/**: { GET: read, DELETE: write }
  /v1/a: { GTE: read }
  /b: { "*": public, VERSION-CONTROL: read }
`)
	want := []string{
		"keygate.yaml:1:10: listen.0: 0.0.0.0:9494 answers whoever can reach it, in plain text: see that only Envoy can",
		"keygate.yaml:2:16: store.path: it lies in the folder of the ext_authz socket, /srv/keygate, which Envoy can read: use another",
		"keygate.yaml:3:18: admin.socket: it lies in the folder of the ext_authz socket, /srv/keygate, which Envoy can read: use another",
		"keygate.yaml:5:23: responses.forward_credential: applications receive every caller's key: see that they never log it",
		"keygate.yaml:6:22: responses.forward_overrides: an application that obeys an override header does something other than what was checked",
		`keygate.yaml:9:12: routes: GTE is not a usual method; did you mean "GET"?`,
		`keygate.yaml:10:9: routes: "*": public lets every method through without a key, writing included; list GET alone if reading was meant`,
	}
	var got []Problem
	ofRules := 0
	for _, w := range c.Warnings() {
		if strings.HasPrefix(w.String(), "keygate.yaml:9:3: routes: ") {
			ofRules++ // in the words of the rules package
			continue
		}
		got = append(got, w)
	}
	if ofRules == 0 {
		t.Error("no warning that /v1/a leaves to the default what /v1/** lists")
	}
	if len(got) != len(want) {
		t.Fatalf("%d warnings, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].String() != want[i] {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if w := mustParse(t, "store: { path: /tmp/k/keys.db }\ndefault: deny").Warnings(); len(w) != 2 {
		t.Errorf("want a warning for a store in /tmp and one for refusing everything: %v", w)
	}
}
