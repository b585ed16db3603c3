package envoy

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// call is one call of a real gRPC client through Envoy.
func (p *proxy) call(t *testing.T, method string, k *key) (*status.Status, metadata.MD) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+p.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if k != nil {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+k.text)
	}
	var trailer metadata.MD // of an answer without a body, which has its headers there
	err = conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}, grpc.Trailer(&trailer))
	return status.Convert(err), trailer
}

// A gRPC client is told in its own terms: a code it knows, and the message alone.
func TestGRPCClient(t *testing.T) {
	r := startRig(t, "tcp", policy)
	read, revoked := r.keygate.create(t, "read"), r.keygate.create(t, "full")
	r.keygate.revoke(t, revoked.id)
	for _, c := range []struct {
		name, method string
		key          *key
		code         codes.Code
		message      string
	}{
		{"no key", "/documents.v1.Documents/Get", nil, codes.Unauthenticated, "Invalid or missing API key"},
		{"revoked", "/documents.v1.Documents/Get", &revoked, codes.Unauthenticated, "Invalid or missing API key"},
		{"too low", "/documents.v1.Documents/Get", &read, codes.Unauthenticated, "Invalid or missing API key"},
		{"ambiguous path", "/documents.v1.Documents/G;t", &read, codes.Internal, "Ambiguous request path"},
	} {
		got, _ := r.call(t, c.method, c.key)
		if got.Code() != c.code || got.Message() != c.message {
			t.Errorf("%s: got %v %q, want %v %q", c.name, got.Code(), got.Message(), c.code, c.message)
		}
	}
	if n := len(r.upstream.requests()); n > 0 {
		t.Errorf("%d refused calls reached the upstream", n)
	}
}

// While keygate is down a gRPC client gets UNAVAILABLE, which it may retry.
func TestGRPCClientWhileKeygateIsDown(t *testing.T) {
	r := startRig(t, "tcp", policy)
	r.keygate.kill()
	got, trailer := r.call(t, "/documents.v1.Documents/Get", nil)
	if got.Code() != codes.Unavailable || got.Message() != "The service is temporarily unavailable" {
		t.Errorf("got %v %q", got.Code(), got.Message())
	}
	if after := trailer.Get("retry-after"); len(after) != 1 || after[0] != "1" {
		t.Errorf("retry-after: %q", after)
	}
}
