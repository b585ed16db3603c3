package admin

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// ListenTCP opens the listener of the API and the console at host:port. With
// the files of a certificate and its key it speaks TLS 1.2 or later alone, and
// takes up a new pair within a second after the files have changed; a pair that
// does not fit leaves the old one in use, and is logged.
//
// It holds at most maxConnections at a time, so that nobody uses up the files that
// the process may open: Envoy's checks need some too.
func ListenTCP(address, certFile, keyFile string, log *slog.Logger) (net.Listener, error) {
	if certFile == "" {
		return listenBounded(address)
	}
	pair, err := newKeyPair(certFile, keyFile, log, time.Now)
	if err != nil {
		return nil, fmt.Errorf("admin.tls: %w", err)
	}
	l, err := listenBounded(address)
	if err != nil {
		return nil, err
	}
	return pair.over(l), nil
}

// maxConnections is how many connections the TCP listener has at a time; others wait.
const maxConnections = 512

func listenBounded(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(l, maxConnections), nil
}

// recheck is how often the files of a key pair are looked at, at most.
const recheck = time.Second

// keyPair is a certificate and its key, as the files have them.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	seen    [2]fileState
	checked time.Time
}

// fileState tells one state of a file from the next.
type fileState struct {
	modified time.Time
	size     int64
}

func newKeyPair(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*keyPair, error) {
	p := &keyPair{certFile: certFile, keyFile: keyFile, log: log, now: now}
	p.seen, p.checked = p.state(), now()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	p.pair = &pair
	return p, err
}

// over speaks TLS on what l accepts.
func (p *keyPair) over(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.current(), nil
		},
	})
}

// current is the pair to use for a new connection.
func (p *keyPair) current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.checked) >= recheck {
		p.checked = now
		p.refresh()
	}
	return p.pair
}

// refresh loads the files if they changed. What fails is logged once, and tried
// again at the next change.
func (p *keyPair) refresh() {
	state := p.state()
	if state == p.seen {
		return
	}
	p.seen = state
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		p.log.Error("admin.tls: the new certificate is not used, the old one stays", "error", err)
		return
	}
	p.pair = &pair
	p.log.Info("admin.tls: a new certificate is in use")
}

func (p *keyPair) state() (state [2]fileState) {
	for i, file := range []string{p.certFile, p.keyFile} {
		if info, err := os.Stat(file); err == nil {
			state[i] = fileState{info.ModTime(), info.Size()}
		}
	}
	return state
}
