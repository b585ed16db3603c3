package extauthz

import (
	"context"
	"errors"
	"net"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Limits on what a caller may take of the listener. grpc-go's own defaults are far wider: 2^32-1 streams,
// 16 MiB of headers, 4 MiB a message, 120 s to connect.
const (
	maxStreams      = 1024      // concurrent checks a connection; Envoy opens another one beyond that
	maxHeaderList   = 16 << 10  // bytes of gRPC metadata a call
	maxCheckRequest = 512 << 10 // bytes; Envoy's own limit on request headers is 60 KiB unless raised
	connectTimeout  = 5 * time.Second
	pingInterval    = 10 * time.Second // the most often that a caller may ping
	idlePing        = time.Minute      // ask a silent caller whether it still lives
	idlePingTimeout = 10 * time.Second
)

// Server is the gRPC side of a Service: the Authorization service and grpc.health.v1.
type Server struct {
	grpc   *grpc.Server
	health *health.Server
}

// NewServer makes a Server that answers checks by s.
func NewServer(s *Service) *Server {
	server := &Server{health: health.NewServer(), grpc: grpc.NewServer(
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
	server.health.SetServingStatus(authv3.Authorization_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
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

// Shutdown drains: health goes NOT_SERVING, no new call is taken, calls in flight finish until ctx ends and
// are cut then. It returns when every handler has returned; ctx's error tells that calls were cut.
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
		s.grpc.Stop()
		<-drained
		return ctx.Err()
	}
}
