package envoy

import (
	"context"
	"net"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
)

// rogue answers in keygate's place, as a broken or captured one might: it lets
// everything pass and sets or removes one header.
type rogue struct {
	authv3.UnimplementedAuthorizationServer
	answer *authv3.OkHttpResponse
}

func (r *rogue) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	return &authv3.CheckResponse{HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: r.answer}}, nil
}

func startRogue(t *testing.T) (*rogue, Address) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, server := &rogue{}, grpc.NewServer()
	authv3.RegisterAuthorizationServer(server, r)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r, Address{"tcp", l.Addr().String()}
}

// Envoy keeps whoever answers in keygate's place to the headers that are
// keygate's: nothing that it says can steer a request elsewhere.
func TestEnvoyLimitsWhatKeygateMayChange(t *testing.T) {
	envoyBinary(t)
	stub, address := startRogue(t)
	r := &rig{upstream: startUpstream(t)}
	r.proxy = startProxy(t, r.configuration(t, address))
	for name, passes := range map[string]bool{
		"x-antinium-key-id": true, "x_antinium_key-id": true, "x-antinium-": true,
		"authorization": true, "x-original-url": true,
		":path": false, ":authority": false, ":method": false, "host": false, "cookie": false,
		"x-envoy-original-path": false, "x-forwarded-for": false, "content-length": false, "x-antinium": false,
	} {
		for how, answer := range map[string]*authv3.OkHttpResponse{
			"set":    {Headers: []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: name, Value: "v"}}}},
			"remove": {HeadersToRemove: []string{name}},
		} {
			stub.answer = answer
			probe, marked := mark()
			got := r.do(t, "GET", "/v1/documents/7", append(marked, "Cookie", "c")...)
			if _, reached := r.upstream.probe(probe); reached != passes || (got.StatusCode == 200) != passes {
				t.Errorf("%s %s: status %d, reached the upstream: %t", how, name, got.StatusCode, reached)
			}
		}
	}
}

// The comment beside shadow_mode tells the truth: refused requests pass and are
// logged, also while keygate is down, and forged identity passes with them.
func TestShadowMode(t *testing.T) {
	r := startRig(t, "tcp", policy, uncomment("shadow_mode: true"))
	probe, marked := mark()
	got := r.do(t, "GET", "/v1/documents/7", append(marked, "X-Antinium-Key-Id", "forged")...)
	s, reached := r.upstream.probe(probe)
	if !reached || s.header.Get("X-Antinium-Key-Id") != "forged" {
		t.Errorf("status %d, reached the upstream: %t with %v", got.StatusCode, reached, s.header)
	}
	if line := r.logged(t, got.requestID()); line.Reason != "no_credential" || line.Status != 200 {
		t.Errorf("access log: %+v", line)
	}
	r.keygate.kill()
	if got := r.do(t, "GET", "/v1/documents/7"); got.StatusCode != 200 {
		t.Errorf("with keygate down: %d", got.StatusCode)
	}
}
