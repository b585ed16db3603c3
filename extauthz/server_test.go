package extauthz

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/antinium/keygate/unixsocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bound is how long a test waits for what must happen; it is no claim about speed.
const bound = 20 * time.Second

// served is a Server on a Unix socket and on TCP, and a client of each.
type served struct {
	*Server
	clients map[string]*grpc.ClientConn
	ended   chan error
}

func serve(t *testing.T, r *rig) *served {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	unix, err := unixsocket.Listen(socket, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{Server: NewServer(r.Service), clients: map[string]*grpc.ClientConn{}, ended: make(chan error, 1)}
	for name, target := range map[string]string{"unix": "unix:" + socket, "tcp": tcp.Addr().String()} {
		client, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		s.clients[name] = client
	}
	go func() { s.ended <- s.Serve(unix, tcp) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		defer cancel()
		s.Shutdown(ctx)
	})
	return s
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	t.Cleanup(cancel)
	return ctx
}

func TestServerAnswersOnEveryListener(t *testing.T) {
	r := exampleRig(t)
	s := serve(t, r)
	for name, client := range s.clients {
		out, err := authv3.NewAuthorizationClient(client).Check(within(t), r.request("GET", "/v1/documents", "read"), grpc.WaitForReady(true))
		if err != nil || out.GetOkResponse() == nil {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		for _, service := range []string{"", "envoy.service.auth.v3.Authorization"} {
			health, err := healthv1.NewHealthClient(client).Check(within(t), &healthv1.HealthCheckRequest{Service: service})
			if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
				t.Errorf("%s: health of %q: %v, %v", name, service, health, err)
			}
		}
	}
}

// A drain says NOT_SERVING, lets the check in flight finish, refuses new ones and joins everything.
func TestShutdownDrains(t *testing.T) {
	r := exampleRig(t)
	s := serve(t, r)
	entered, release := make(chan struct{}), make(chan struct{})
	r.testingOnlyBeforeAnswer = func() { close(entered); <-release }
	client := s.clients["unix"]
	watch, err := healthv1.NewHealthClient(client).Watch(within(t), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("health before: %v, %v", first, err)
	}
	inFlight := make(chan error, 1)
	go func() {
		out, err := authv3.NewAuthorizationClient(client).Check(context.Background(), r.request("GET", "/v1/documents", "read"))
		if err == nil && out.GetOkResponse() == nil {
			err = errors.New("not allowed")
		}
		inFlight <- err
	}()
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- s.Shutdown(within(t)) }()
	if next, err := watch.Recv(); err != nil || next.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health while draining: %v, %v", next, err)
	}
	close(release)
	if err := <-inFlight; err != nil {
		t.Errorf("the check in flight: %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A drain ends soon after its deadline even if a check hangs for ever, and says so.
func TestShutdownIsBounded(t *testing.T) {
	r := exampleRig(t)
	s := serve(t, r)
	entered, release := make(chan struct{}), make(chan struct{})
	r.testingOnlyBeforeAnswer = func() { close(entered); <-release }
	go func() {
		_, _ = authv3.NewAuthorizationClient(s.clients["tcp"]).Check(within(t), r.request("GET", "/v1/documents", "read"), grpc.WaitForReady(true))
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, ErrStuck) {
		t.Errorf("Shutdown: %v, want ErrStuck", err)
	}
	close(release)
	if err := <-s.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A check that answers within the deadline is not cut, and one that does not is.
func TestShutdownCutsAtItsDeadline(t *testing.T) {
	r := exampleRig(t)
	s := serve(t, r)
	entered := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	r.testingOnlyBeforeAnswer = func() { close(entered); <-ctx.Done() }
	answered := make(chan error, 1)
	go func() {
		_, err := authv3.NewAuthorizationClient(s.clients["tcp"]).Check(within(t), r.request("GET", "/v1/documents", "read"), grpc.WaitForReady(true))
		answered <- err
	}()
	<-entered
	cancel() // the deadline, and the check returns because of it
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	<-answered
	if err := <-s.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// Whoever watches the health hears of the drain and is let go, so that a watch does not delay it.
func TestShutdownEndsHealthWatches(t *testing.T) {
	r := exampleRig(t)
	s := serve(t, r)
	for _, service := range []string{"", "envoy.service.auth.v3.Authorization", "unknown"} {
		watch, err := healthv1.NewHealthClient(s.clients["tcp"]).Watch(within(t), &healthv1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			last := healthv1.HealthCheckResponse_UNKNOWN
			for {
				next, err := watch.Recv()
				if err != nil {
					break
				}
				last = next.GetStatus()
			}
			if last != healthv1.HealthCheckResponse_NOT_SERVING {
				t.Errorf("%q: the last status is %s", service, last)
			}
		}()
	}
	if err := s.Shutdown(within(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// If one listener dies, Serve ends with its error: a process that looks alive must not be deaf on one side.
func TestServeEndsWhenAListenerFails(t *testing.T) {
	r := exampleRig(t)
	good, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad.Close()
	if err := NewServer(r.Service).Serve(good, bad); err == nil {
		t.Error("Serve returned nil after a listener failed")
	}
}

func TestListenerLimits(t *testing.T) {
	r := exampleRig(t)
	client := authv3.NewAuthorizationClient(serve(t, r).clients["tcp"])
	check := func(ctx context.Context, in *authv3.CheckRequest) codes.Code {
		out, err := client.Check(ctx, in, grpc.WaitForReady(true))
		if err == nil && out.GetStatus() == nil {
			t.Error("an answer without a status, which Envoy takes for ALLOW")
		}
		return status.Code(err)
	}
	good := r.request("GET", "/v1/documents", "read")
	if got := check(within(t), good); got != codes.OK {
		t.Fatalf("a plain check: %s", got)
	}
	large := r.request("GET", "/v1/documents", "read", header{"x-antinium-a", strings.Repeat("a", maxCheckRequest)})
	if got := check(within(t), large); got != codes.ResourceExhausted {
		t.Errorf("a CheckRequest over the limit: %s", got)
	}
	heavy := metadata.AppendToOutgoingContext(within(t), "x-heavy", strings.Repeat("a", maxHeaderList))
	if got := check(heavy, good); got == codes.OK {
		t.Error("metadata over the limit was taken")
	}
	if got := check(within(t), good); got != codes.OK {
		t.Errorf("a plain check after the refused ones: %s", got)
	}
}

// Reflection would tell a neighbour what to call.
func TestNoOtherServices(t *testing.T) {
	services := NewServer(exampleRig(t).Service).grpc.GetServiceInfo()
	if len(services) != 2 {
		t.Errorf("services: %v, want Authorization and Health alone", services)
	}
}
