package envoy

import (
	"strings"
	"testing"
)

// What `keygate snippet envoy` prints, put into an existing configuration as its
// comments say, guards that Envoy as envoy.yaml does.
func TestSnippetGuardsAnExistingEnvoy(t *testing.T) {
	envoyBinary(t)
	for _, network := range variants {
		t.Run(network, func(t *testing.T) {
			r := &rig{upstream: startUpstream(t), keygate: startKeygate(t, network, policy)}
			printed := r.keygate.run(t, "snippet", "envoy")
			r.proxy = startProxy(t, unhurried(t, wrap(t, printed, r.params(r.keygate.listen))))

			k := r.keygate.create(t, "read")
			probe, marked := mark()
			r.do(t, "GET", "/v1/documents/7", append(marked, bearer(k)...)...)
			s, _ := r.upstream.probe(probe)
			checkIdentity(t, s, k, "read", "default", "default")
			r.checkDenial(t, denial{"no key", "GET", "/v1/documents/7", nil, 401, "", unauthorizedBody, "no_credential", "/v1/documents/**", ""})
			r.checkSpoof(t, k, spoofs["both spellings"], false)
			r.keygate.kill()
			r.checkUnavailable(t, "/v1/documents/7", bearer(k))
		})
	}
}

// A zero field takes the value that envoy.yaml ships.
func TestZeroParamsAreThoseOfTheShippedFile(t *testing.T) {
	spelt := Params{Address: Address{"tcp", "127.0.0.1:9494"}, HeaderPrefix: "x-antinium-",
		Listen: "127.0.0.1:10000", Upstream: "127.0.0.1:8080", Admin: "127.0.0.1:9901"}
	if must(t, Render, Params{}) != must(t, Render, spelt) || must(t, Snippet, Params{}) != must(t, Snippet, spelt) {
		t.Error("the zero Params render something else")
	}
}

// What Envoy could not use is refused, with the field named and nothing rendered.
func TestBadParamsAreRefused(t *testing.T) {
	for _, c := range []struct {
		params Params
		names  string
	}{
		{Params{Address: Address{"udp", "127.0.0.1:9494"}}, "address of keygate"},
		{Params{Address: Address{"tcp", "127.0.0.1"}}, "address of keygate"},
		{Params{Address: Address{"tcp", "127.0.0.1:0"}}, "address of keygate"},
		{Params{Address: Address{"tcp", ":9494"}}, "address of keygate"},
		{Params{Address: Address{"tcp", "127.0.0.1:65536"}}, "address of keygate"},
		{Params{Address: Address{"unix", "run/ext_authz.sock"}}, "address of keygate"},
		{Params{Address: Address{"unix", "@abstract"}}, "address of keygate"},
		{Params{Address: Address{"unix", "/" + strings.Repeat("a", 107)}}, "address of keygate"},
		{Params{HeaderPrefix: "X-Antinium-"}, "header prefix"},
		{Params{HeaderPrefix: "x.*"}, "header prefix"},
		{Params{HeaderPrefix: ":"}, "header prefix"},
		{Params{Listen: "localhost:10000"}, "address to listen on"},
		{Params{Admin: "localhost:9901"}, "admin page"},
		{Params{Upstream: "api"}, "address of the upstream"},
		{Params{Rewrite: &Rewrite{"/v1", "/anything/"}}, "rewrite"},
		{Params{Rewrite: &Rewrite{"/v1/", "/a b/"}}, "rewrite"},
	} {
		text, err := Render(c.params)
		if err == nil || text != "" || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%+v: got %d bytes and error %v", c.params, len(text), err)
		}
	}
}

// Hostile text in a socket's path stays inside its YAML string.
func TestPathsAreQuoted(t *testing.T) {
	for _, path := range []string{`/run/a b`, `/run/"}`, "/run/a: b #c", `/run/\`, "/run/é", "/run/a\nb"} {
		text := must(t, Render, Params{Address: Address{"unix", path}})
		b, err := decodeStrictly([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		endpoint := b.StaticResources.Clusters[0].LoadAssignment.Endpoints[0].LbEndpoints[0].GetEndpoint()
		if got := endpoint.Address.GetPipe().GetPath(); got != path {
			t.Errorf("got %q, want %q", got, path)
		}
	}
}
