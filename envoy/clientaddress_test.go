package envoy

import (
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
)

// forgedAddress is what a client says of itself.
const forgedAddress = "203.0.113.9"

// addressClaims are what a client may send to be taken for one at forgedAddress.
var addressClaims = map[string][]string{
	"nothing":           nil,
	"the header":        {"x-envoy-external-address", forgedAddress},
	"the header twice":  {"x-envoy-external-address", forgedAddress, "x-envoy-external-address", "203.0.113.10"},
	"mixed case":        {"X-eNVOY-External-Address", forgedAddress},
	"x-forwarded-for":   {"x-forwarded-for", forgedAddress},
	"both":              {"x-forwarded-for", forgedAddress, "x-envoy-external-address", forgedAddress},
	"internal":          {"x-envoy-internal", "true", "x-envoy-external-address", forgedAddress},
	"other headers":     {"x-real-ip", forgedAddress, "forwarded", "for=" + forgedAddress, "x-envoy-expected-rq-timeout-ms", "1"},
	"named hop by hop":  {"Connection", "x-envoy-external-address", "x-envoy-external-address", forgedAddress},
	"a private address": {"x-forwarded-for", "10.0.0.1", "x-envoy-external-address", "10.0.0.1"},
}

// startAddressRig is a rig whose keygate is a rogue that is told the client's address.
func startAddressRig(t *testing.T, edits ...edit) (*rig, *rogue) {
	t.Helper()
	envoyBinary(t)
	stub, address := startRogue(t)
	stub.answer = &authv3.OkHttpResponse{}
	r := &rig{upstream: startUpstream(t)}
	p := r.params(address)
	p.ClientAddress = true
	text := must(t, Render, p)
	for _, change := range append(edits, unhurried) {
		text = change(t, text)
	}
	r.proxy = startProxy(t, text)
	return r, stub
}

// told are the values of x-envoy-external-address that keygate is told, and the peer's address beside them.
func (r *rig) told(t *testing.T, stub *rogue, header ...string) (external []string, peer string) {
	t.Helper()
	r.do(t, "GET", "/v1/documents/7", header...)
	for _, h := range stub.asked.GetAttributes().GetRequest().GetHttp().GetHeaderMap().GetHeaders() {
		if h.Key == "x-envoy-external-address" {
			external = append(external, string(h.RawValue))
		}
	}
	return external, stub.asked.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress()
}

// keygate is told one address of the client, which Envoy wrote, also for a client on loopback, and
// whatever the client claims.
func TestForgedClientAddressNeverReachesKeygate(t *testing.T) {
	r, stub := startAddressRig(t)
	http1 := r.proxy
	for _, r.proxy = range []*proxy{http1, http1.overHTTP2()} {
		for name, claim := range addressClaims {
			if r.proxy != http1 && len(claim) > 0 && claim[0] == "Connection" {
				continue // HTTP/2 has none
			}
			external, peer := r.told(t, stub, claim...)
			if diff := cmp.Diff([]string{"127.0.0.1"}, external); diff != "" || peer != "127.0.0.1" {
				t.Errorf("%s: keygate was told %q, the peer being %s", name, external, peer)
			}
		}
	}
}

// Behind another proxy the peer is that proxy, and the client is the one that it saw: what a client adds to
// x-forwarded-for itself stands before that.
func TestClientAddressBehindAnotherProxy(t *testing.T) {
	r, stub := startAddressRig(t, swap("\n          use_remote_address: true\n", "\n          use_remote_address: true\n          xff_num_trusted_hops: 1\n"))
	external, peer := r.told(t, stub, "X-Forwarded-For", forgedAddress+", 198.51.100.4", "X-Envoy-External-Address", forgedAddress)
	if diff := cmp.Diff([]string{"198.51.100.4"}, external); diff != "" || peer != "127.0.0.1" {
		t.Errorf("keygate was told %q, the peer being %s", external, peer)
	}
}

// The comment beside the header tells the truth: without use_remote_address, or with the client in
// internal_address_config, a client forges the address.
func TestSettingsThatKeepTheClientAddressHonest(t *testing.T) {
	for name, change := range map[string]edit{
		"use_remote_address":      swap("use_remote_address: true", "use_remote_address: false"),
		"internal_address_config": swap("address_prefix: 255.255.255.255, prefix_len: 32", "address_prefix: 127.0.0.0, prefix_len: 8"),
	} {
		r, stub := startAddressRig(t, change)
		external, _ := r.told(t, stub, "X-Envoy-External-Address", forgedAddress)
		if diff := cmp.Diff([]string{forgedAddress}, external); diff != "" {
			t.Errorf("without %s keygate is told %q: then the comment asks for too much", name, external)
		}
	}
}

// As shipped, keygate is told nothing of it, and the commented line is the whole difference.
func TestClientAddressIsOneLine(t *testing.T) {
	for name, render := range map[string]func(Params) (string, error){"snippet": Snippet, "full": Render} {
		without, with := must(t, render, Params{}), must(t, render, Params{ClientAddress: true})
		if strings.Contains(string(toJSON(t, parseYAML(t, without))), "external-address") {
			t.Errorf("%s: the header is allowed by default", name)
		}
		uncommented := uncomment("- exact: x-envoy-external-address")(t, without)
		if diff := cmp.Diff(parseYAML(t, uncommented), parseYAML(t, with)); diff != "" {
			t.Errorf("%s: the commented line and ClientAddress differ: %s", name, diff)
		}
	}
}

// What `keygate snippet envoy` prints follows usage.client_address, and works in an Envoy set up as our comments say.
func TestSnippetTellsTheClientAddress(t *testing.T) {
	envoyBinary(t)
	const line = "\n      - exact: x-envoy-external-address\n"
	k := startKeygate(t, "tcp", policy)
	if printed := k.run(t, "snippet", "envoy"); strings.Contains(printed, line) {
		t.Error("the header is in the snippet without usage.client_address")
	}
	stub, address := startRogue(t)
	stub.answer = &authv3.OkHttpResponse{}
	k.listen = address // of whom Envoy will ask in keygate's place
	k.setPolicy(t, "usage: { client_address: true }\n"+policy)
	printed := k.run(t, "snippet", "envoy")
	if !strings.Contains(printed, line) {
		t.Fatalf("the header is not in the snippet with usage.client_address:\n%s", printed)
	}
	r := &rig{upstream: startUpstream(t)}
	r.proxy = startProxy(t, unhurried(t, wrap(t, printed, r.params(address))))
	external, _ := r.told(t, stub, "X-Envoy-External-Address", forgedAddress)
	if diff := cmp.Diff([]string{"127.0.0.1"}, external); diff != "" {
		t.Errorf("keygate was told %q", external)
	}
}
