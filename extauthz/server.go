package extauthz

import (
	"context"
	"errors"
	"net"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Limits on what a caller may take of the listener. grpc-go's own defaults are far wider: 2^32-1 streams,
// 16 MiB of headers, 4 MiB a message, 120 s to connect.
const (
	maxStreams      = 1024             // concurrent checks a connection; Envoy opens another one beyond that
	maxHeaderList   = 16 << 10         // bytes of gRPC metadata a call
	maxCheckRequest = 512 << 10        // bytes; Envoy's own limit on request headers is 60 KiB unless raised
	connectTimeout  = 2 * time.Second  // a silent connection delays a drain by as much
	pingInterval    = 10 * time.Second // the most often that a caller may ping
	idlePing        = time.Minute      // ask a silent caller whether it still lives
	idlePingTimeout = 10 * time.Second
)

// Server is the gRPC side of a Service: the Authorization service and grpc.health.v1.
type Server struct {
	grpc   *grpc.Server
	health *healthServer
}

// NewServer makes a Server that answers checks by s.
func NewServer(s *Service) *Server {
	server := &Server{health: newHealthServer(), grpc: grpc.NewServer(
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderList),
		grpc.MaxRecvMsgSize(maxCheckRequest),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: idlePing, Timeout: idlePingTimeout}),
		grpc.WaitForHandlers(true),
	)}
	authv3.RegisterAuthorizationServer(server.grpc, s)
	healthv1.RegisterHealthServer(server.grpc, server.health)
	return server
}

// Serve answers on every listener until Shutdown, and returns nil then. If one listener fails, all stop and
// the failure is returned. It closes the listeners.
func (s *Server) Serve(listeners ...net.Listener) error {
	var group errgroup.Group
	for _, l := range listeners {
		group.Go(func() error {
			err := s.grpc.Serve(l)
			if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				s.grpc.Stop()
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// ErrStuck tells that a handler did not return: it hangs on a disk or a log that does not answer. What it uses must
// stay open until the process ends.
var ErrStuck = errors.New("a check hangs and was left behind")

// stuckTime is how long a handler has to return once its call was cut.
const stuckTime = time.Second

// Shutdown drains: health goes NOT_SERVING and watches of it end, no new call is taken, calls in flight finish until
// ctx ends and are cut then. It returns when every handler has returned, with ctx's error if calls were cut, or with
// ErrStuck if a handler had not returned a second after that.
func (s *Server) Shutdown(ctx context.Context) error {
	s.health.Shutdown()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
	}()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		go s.grpc.Stop()
	}
	select {
	case <-drained:
		return ctx.Err()
	case <-time.After(stuckTime):
		return ErrStuck
	}
}
