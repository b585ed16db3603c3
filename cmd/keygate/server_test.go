package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// stuck is a log that nobody reads: a paused terminal, a full pipe, a journal that hangs.
type stuck struct{ released <-chan struct{} }

func (s stuck) Write(line []byte) (int, error) {
	<-s.released
	return len(line), nil
}

// A log that nobody reads holds up neither checks nor the stop.
func TestServeWithAStuckLog(t *testing.T) {
	folder := t.TempDir()
	socket := filepath.Join(folder, "ext", "authz.sock")
	if err := os.Mkdir(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "keygate.yaml")
	text := "store: {path: keys.db}\nadmin: {socket: admin.sock}\nlisten: unix:ext/authz.sock\nobserve: ''\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	defer close(release)
	p := &program{stderr: stuck{release}, getenv: func(string) string { return "" }}
	s, err := p.openServer(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, nil) }()

	client, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	within, done := context.WithTimeout(t.Context(), bound)
	defer done()
	for range 100 {
		if _, err := authv3.NewAuthorizationClient(client).Check(within, &authv3.CheckRequest{}, grpc.WaitForReady(true)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "last log lines") {
			t.Errorf("ended with %v, want word of the lines that were not written", err)
		}
	case <-within.Done():
		t.Fatal("the stop hangs")
	}
}
