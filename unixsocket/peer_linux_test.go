package unixsocket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestPeerOf(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	l := mustListen(t, path, 0o600)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := Peer{UID: uint32(os.Getuid()), PID: os.Getpid()}
	for end, conn := range map[string]net.Conn{"accepted": s, "dialled": c} {
		if got, err := PeerOf(conn); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", end, got, err, want)
		}
	}
}

func TestPeerOfOtherConnections(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if p, err := PeerOf(a); !errors.Is(err, errors.ErrUnsupported) || p != (Peer{}) {
		t.Fatalf("%+v, %v", p, err)
	}
}

func TestInUseErrorNamesTheProcess(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	mustListen(t, path, 0o600)
	_, err := Listen(path, 0o600)
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("got %v", err)
	}
}
