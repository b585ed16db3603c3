package extauthz

import (
	"context"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/antinium/keygate/extauthz/rules"
)

const peer = "192.0.2.7"

// from gives a check the address of its peer.
func from(address string, in *authv3.CheckRequest) *authv3.CheckRequest {
	in.Attributes.Source = &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 54321}},
	}}}
	return in
}

func externally(values ...string) []header {
	var out []header
	for _, v := range values {
		out = append(out, header{externalAddressName, v})
	}
	return out
}

// TestAddress has what Envoy may tell, and what anybody else may who reaches the listener.
func TestAddress(t *testing.T) {
	trusting := NewPolicy(mustTable(t, nil, rules.Full), Responses{ClientAddress: true})
	plain := NewPolicy(mustTable(t, nil, rules.Full), Responses{})
	for _, test := range []struct {
		name     string
		external []header
		want     string
	}{
		{"none", nil, peer},
		{"v4", externally("203.0.113.9"), "203.0.113.9"},
		{"v6", externally("2001:db8::9"), "2001:db8::9"},
		{"any case of the name", []header{{"X-Envoy-External-Address", "203.0.113.9"}}, "203.0.113.9"},
		{"two", externally("203.0.113.9", "203.0.113.10"), peer},
		{"the same twice", externally("203.0.113.9", "203.0.113.9"), peer},
		{"joined by a comma", externally("203.0.113.9,203.0.113.10"), peer},
		{"empty", externally(""), peer},
		{"an empty one first", externally("", "203.0.113.9"), peer},
		{"a name", externally("client.example"), peer},
		{"with a port", externally("203.0.113.9:1"), peer},
		{"in brackets", externally("[2001:db8::9]"), peer},
		{"with a zone", externally("fe80::9%eth0"), peer},
		{"with spaces", externally(" 203.0.113.9"), peer},
		{"with a zero in front", externally("203.0.113.09"), peer},
		{"a prefix", externally("203.0.113.0/24"), peer},
		{"another header", []header{{"x-forwarded-for", "203.0.113.9"}, {"x-envoy_external-address", "203.0.113.9"}}, peer},
	} {
		for form, in := range map[string]*authv3.CheckRequest{"list": asList("GET", "/", test.external...), "map": asMap("GET", "/", test.external...)} {
			if form == "map" && len(test.external) > 1 && test.external[0].name == test.external[1].name {
				continue // a map holds a name once
			}
			r := ParseRequest(from(peer, in), testPrefix)
			if got := trusting.address(&r); got != test.want {
				t.Errorf("%s, as a %s: %q, want %q", test.name, form, got, test.want)
			}
			if got := plain.address(&r); got != peer {
				t.Errorf("%s, as a %s, where the policy does not ask: %q", test.name, form, got)
			}
		}
	}
}

// The value of one header may come in both forms; two that differ are two.
func TestExternalAddressInMapAndList(t *testing.T) {
	in := asList("GET", "/", externally("203.0.113.9")...)
	in.Attributes.Request.Http.Headers = map[string]string{externalAddressName: "203.0.113.10"}
	if r := ParseRequest(in, testPrefix); r.ExternalAddresses != 2 {
		t.Errorf("%d values, want 2", r.ExternalAddresses)
	}
}

func TestPeerThatIsNoAddress(t *testing.T) {
	policy := NewPolicy(mustTable(t, nil, rules.Full), Responses{})
	for name, in := range map[string]*authv3.CheckRequest{
		"nothing": {}, "no source": asList("GET", "/"), "empty": from("", asList("GET", "/")), "a name": from("peer.example", asList("GET", "/")),
		"a zone": from("fe80::1%"+strings.Repeat("z", 1000), asList("GET", "/")),
		"a socket": {Attributes: &authv3.AttributeContext{Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{
			Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/run/client.sock"}}}}}},
	} {
		r := ParseRequest(in, testPrefix)
		if got := policy.address(&r); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The observer gets the address of a check that passes and of one that does not.
func TestAddressIsObserved(t *testing.T) {
	r := exampleRig(t)
	check := func(in *authv3.CheckRequest) string {
		r.reasonOf(t, from(peer, in))
		return r.seen[len(r.seen)-1].Address
	}
	external := externally("203.0.113.9")
	for _, key := range []string{"read", "revoked", "none"} {
		if got := check(r.request("GET", "/v1/documents", key, external...)); got != peer {
			t.Errorf("%s: %q, want the peer", key, got)
		}
	}
	r.SetPolicy(NewPolicy(mustTable(t, exampleRoutes, rules.Full), Responses{ClientAddress: true}))
	for _, key := range []string{"read", "revoked", "none"} {
		if got := check(r.request("GET", "/v1/documents", key, external...)); got != "203.0.113.9" {
			t.Errorf("%s: %q, want the client", key, got)
		}
	}
}

// No address changes an answer, nor does the header reach the application through keygate.
func TestAddressDecidesNothing(t *testing.T) {
	r := exampleRig(t)
	r.SetPolicy(NewPolicy(mustTable(t, exampleRoutes, rules.Full), Responses{ClientAddress: true}))
	for _, key := range []string{"read", "full", "revoked", "none"} {
		for _, target := range []string{"/v1/documents", "/v1/workspace", "/healthz"} {
			want, err := r.Check(context.Background(), r.request("GET", target, key))
			if err != nil {
				t.Fatal(err)
			}
			for _, external := range [][]header{externally("127.0.0.1"), externally("203.0.113.9", "x"), externally("")} {
				got, err := r.Check(context.Background(), from("127.0.0.1", r.request("GET", target, key, external...)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s with the key %s from %v: %s", target, key, external, diff)
				}
			}
		}
	}
}

// The address costs the check no memory.
func TestAddressDoesNotAllocate(t *testing.T) {
	policy := NewPolicy(mustTable(t, nil, rules.Full), Responses{ClientAddress: true})
	for _, external := range []string{"203.0.113.9", "2001:db8::9"} {
		r := Request{Peer: peer, ExternalAddress: external, ExternalAddresses: 1}
		if n := testing.AllocsPerRun(100, func() { _ = policy.address(&r) }); n != 0 {
			t.Errorf("%s: %v allocations", external, n)
		}
	}
}
