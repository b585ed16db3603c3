package envoy

import (
	"context"
	"net"
	"slices"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
)

// rogue answers in keygate's place, as a broken or captured one might: it lets
// everything pass, changes the headers it was told to, and keeps what it was asked.
type rogue struct {
	authv3.UnimplementedAuthorizationServer
	answer *authv3.OkHttpResponse
	asked  *authv3.CheckRequest
}

func (r *rogue) Check(_ context.Context, asked *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	r.asked = asked
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

// startRogueRig is a rig with a rogue for keygate.
func startRogueRig(t *testing.T) (*rig, *rogue) {
	t.Helper()
	envoyBinary(t)
	stub, address := startRogue(t)
	r := &rig{upstream: startUpstream(t)}
	r.proxy = startProxy(t, r.configuration(t, address, unhurried))
	return r, stub
}

// Envoy keeps whoever answers in keygate's place to the headers that are
// keygate's: nothing that it says can steer a request elsewhere.
func TestEnvoyLimitsWhatKeygateMayChange(t *testing.T) {
	r, stub := startRogueRig(t)
	for name, passes := range map[string]bool{
		"x-antinium-key-id": true, "x_antinium_key-id": true, "x-antinium-": true,
		"authorization": true, "x-original-url": true,
		":path": false, ":authority": false, ":method": false, "host": false, "cookie": false,
		"x-envoy-original-path": false, "x-forwarded-for": false, "content-length": false, "x-antinium": false,
	} {
		r.checkChange(t, stub, "set "+name, sets(name, "v"), passes)
		r.checkChange(t, stub, "remove "+name, &authv3.OkHttpResponse{HeadersToRemove: []string{name}}, passes)
	}
	r.checkChange(t, stub, "a second line", sets("x-antinium-key-id", "v\r\nx-other: v"), false)
	r.checkChange(t, stub, "a control byte", sets("x-antinium-key-id", "v\x00"), false)
}

func sets(name, value string) *authv3.OkHttpResponse {
	return &authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: name, Value: value}}}}
}

func (r *rig) checkChange(t *testing.T, stub *rogue, what string, answer *authv3.OkHttpResponse, passes bool) {
	t.Helper()
	stub.answer = answer
	probe, marked := mark()
	got := r.do(t, "GET", "/v1/documents/7", append(marked, "Cookie", "c")...)
	if _, reached := r.upstream.probe(probe); reached != passes || (got.StatusCode == 200) != passes {
		t.Errorf("%s: status %d, reached the upstream: %t", what, got.StatusCode, reached)
	}
}

// keygate is told what it reads and nothing else, each header line by itself.
func TestEnvoyTellsKeygateNoMoreThanItReads(t *testing.T) {
	r, stub := startRogueRig(t)
	stub.answer = &authv3.OkHttpResponse{}
	got := r.do(t, "GET", "/v1/documents/7?q=1", "Authorization", "Bearer a", "Content-Type", "text/plain", "Origin", "o",
		"Access-Control-Request-Method", "GET", "X-Antinium-Key-Id", "forged", "X-Antinium-Key-Id", "again",
		"Cookie", "session=secret", "X-Other", "v", "X-Original-Url", "/x")
	want := []string{"access-control-request-method: GET", "authorization: Bearer a", "content-type: text/plain", "origin: o",
		"x-antinium-key-id: again", "x-antinium-key-id: forged", "x-request-id: " + got.requestID()}
	var told []string
	asked := stub.asked.GetAttributes().GetRequest().GetHttp()
	for _, h := range asked.GetHeaderMap().GetHeaders() {
		told = append(told, h.Key+": "+string(h.RawValue))
	}
	slices.Sort(told)
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error("headers told to keygate:", diff)
	}
	if asked.GetMethod() != "GET" || asked.GetPath() != "/v1/documents/7?q=1" || len(asked.GetHeaders()) > 0 || asked.GetBody() != "" {
		t.Errorf("told to keygate: %v", asked)
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
