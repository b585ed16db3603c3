package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/antinium/keygate/unixsocket"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second // headers and body
	writeTimeout  = 60 * time.Second // from the end of the headers
	idleTimeout   = 60 * time.Second
	maxHeader     = 64 << 10 // bytes
	drainTimeout  = 5 * time.Second
)

// Serve answers on l until ctx ends, and closes l. Calls in flight are then
// given 5 s to finish; what still runs is cut off. It returns nil after ctx has
// ended, also when it had to cut something off (that is logged), and an error
// only if listening failed. Call it once for each listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serve the admin API on %s: %w", l.Addr(), err), srv.Close())
	case <-ctx.Done():
	}
	s.stop(srv)
	<-failed
	return nil
}

// stop ends srv within s.drain.
func (s *Server) stop(srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), s.drain)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		s.log.Warn("admin API: calls were cut off at the stop", "after", s.drain, "error", err)
		_ = srv.Close()
	}
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withPeer,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		// OPTIONS * shall get the envelope like every unknown route.
		DisableGeneralOptionsHandler: true,
	}
}

type peerKey struct{}

// peer is the other end of a connection. Over the Unix socket it is the owner of
// everything; over any other connection it is nobody until it presents a key.
type peer struct {
	owner bool
	actor string // of the owner
}

// unknownActor stands in the audit record where the system does not tell who
// connected.
const unknownActor = "unknown"

// withPeer notes who connected, once for the whole connection.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if _, local := c.(*net.UnixConn); !local {
		return context.WithValue(ctx, peerKey{}, peer{})
	}
	actor := unknownActor
	if p, err := unixsocket.PeerOf(c); err == nil {
		actor = fmt.Sprintf("uid:%d", p.UID)
	}
	return context.WithValue(ctx, peerKey{}, peer{owner: true, actor: actor})
}

// peerOf is who sent a request; nobody where that was not noted.
func peerOf(r *http.Request) peer {
	p, _ := r.Context().Value(peerKey{}).(peer)
	return p
}
