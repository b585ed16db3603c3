package extauthz

import (
	"context"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// healthServer is grpc.health.v1 whose watches end with a drain. A watch lives as long as its client likes, and
// would otherwise keep every stop waiting for the deadline.
type healthServer struct {
	*health.Server
	draining context.Context
	drain    context.CancelFunc
}

func newHealthServer() *healthServer {
	h := &healthServer{Server: health.NewServer()}
	h.draining, h.drain = context.WithCancel(context.Background())
	h.SetServingStatus(authv3.Authorization_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	return h
}

// Shutdown makes every service NOT_SERVING, for those who ask and those who watch, and ends the watches.
func (h *healthServer) Shutdown() {
	h.Server.Shutdown()
	h.drain()
}

// Watch streams the status until the client goes or the drain begins, which it tells last.
func (h *healthServer) Watch(in *healthv1.HealthCheckRequest, out healthv1.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(out.Context())
	defer cancel()
	defer context.AfterFunc(h.draining, cancel)()
	err := h.Server.Watch(in, watch{out, ctx})
	if h.draining.Err() == nil || out.Context().Err() != nil {
		return err
	}
	_ = out.Send(&healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_NOT_SERVING})
	return status.Error(codes.Unavailable, "keygate is stopping")
}

// watch is a stream with a context of its own.
type watch struct {
	healthv1.Health_WatchServer
	ctx context.Context
}

func (w watch) Context() context.Context { return w.ctx }
