package unixsocket

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is a folder with a name short enough for a socket in it.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "us")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func mustListen(t *testing.T, path string, mode fs.FileMode) net.Listener {
	t.Helper()
	l, err := Listen(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// mustLeaveStale makes the socket file that a killed process leaves behind.
func mustLeaveStale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// mustTalk sends a byte through the socket.
func mustTalk(t *testing.T, l net.Listener, path string) {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	defer s.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("read: %d bytes, %v", n, err)
	}
}

func TestModeIsExactUnderEveryUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		for _, mode := range []fs.FileMode{0o600, 0o660} {
			path := filepath.Join(folder(t), "s.sock")
			old := syscall.Umask(umask)
			l, err := Listen(path, mode)
			syscall.Umask(old)
			if err != nil {
				t.Fatalf("umask %#o: %v", umask, err)
			}
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode(); got != fs.ModeSocket|mode {
				t.Errorf("umask %#o: mode %v, want %v", umask, got, fs.ModeSocket|mode)
			}
			mustTalk(t, l, path)
			l.Close()
		}
	}
}

func TestNobodyConnectsBeforeTheModeIsSet(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	f, err := newSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Bind(int(f.Fd()), &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	// The state in which openDoor takes over: the file exists, with whatever
	// mode the umask gave it.
	if _, err := net.Dial("unix", path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("a bound socket that does not listen answered: %v", err)
	}
	l, err := openDoor(f, path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mustTalk(t, l, path)
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	mustLeaveStale(t, path)
	mustTalk(t, mustListen(t, path, 0o600), path)
}

func TestLiveSocketIsRefusedAndLives(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	l := mustListen(t, path, 0o660)
	_, err := Listen(path, 0o600)
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.Path != path {
		t.Fatalf("got %v, want an InUseError for %s", err, path)
	}
	for _, word := range []string{path, "listens there already", "stop it"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	// The look left a connection in the queue.
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	mustTalk(t, l, path)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the refused start touched the file: %v, %v", info.Mode(), err)
	}
}

func TestSocketWithAFullQueueIsAlive(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	f, err := newSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Bind(int(f.Fd()), &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(int(f.Fd()), 0); err != nil {
		t.Fatal(err)
	}
	var full bool
	for range 16 {
		c, err := net.DialTimeout("unix", path, probeWait)
		if err != nil {
			full = true
			break
		}
		defer c.Close()
	}
	if !full {
		t.Skip("this system queues more than it was told to")
	}
	if _, err := Listen(path, 0o600); err == nil {
		t.Fatal("took over a living socket whose queue is full")
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("removed a living socket: %v", err)
	}
}

func TestWhatIsNotASocketIsLeftAlone(t *testing.T) {
	dir := folder(t)
	stale := filepath.Join(dir, "target.sock")
	mustLeaveStale(t, stale)
	for name, put := range map[string]func(path string) error{
		"regular file":  func(p string) error { return os.WriteFile(p, []byte("keep me"), 0o644) },
		"directory":     func(p string) error { return os.Mkdir(p, 0o755) },
		"symbolic link": func(p string) error { return os.Symlink(stale, p) },
		"special file":  func(p string) error { return syscall.Mkfifo(p, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			_, err := Listen(path, 0o600)
			var not *NotSocketError
			if !errors.As(err, &not) || !strings.Contains(err.Error(), name) {
				t.Fatalf("got %v, want an error that names a %s", err, name)
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) || before.Mode() != after.Mode() {
				t.Fatalf("touched: %v, %v", after, err)
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(dir, "regular-file")); !bytes.Equal(b, []byte("keep me")) {
		t.Fatalf("content changed: %q, %v", b, err)
	}
	if _, err := os.Lstat(stale); err != nil {
		t.Fatalf("removed the target of a link: %v", err)
	}
}

func TestPathTooLong(t *testing.T) {
	dir := folder(t)
	fits := filepath.Join(dir, strings.Repeat("x", maxPath-len(dir)-1))
	mustTalk(t, mustListen(t, fits, 0o600), fits)
	_, err := Listen(fits+"x", 0o600)
	if err == nil || !strings.Contains(err.Error(), "use a shorter one") {
		t.Fatalf("got %v", err)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, path := range []string{"", "@abstract", "a\x00b"} {
		if l, err := Listen(path, 0o600); err == nil {
			l.Close()
			t.Errorf("%q was accepted", path)
		}
	}
}

func TestMissingFolderNamesMkdir(t *testing.T) {
	dir := filepath.Join(folder(t), "not", "there")
	_, err := Listen(filepath.Join(dir, "s.sock"), 0o600)
	if err == nil || !strings.Contains(err.Error(), "mkdir -p "+dir) {
		t.Fatalf("got %v", err)
	}
}

func TestCloseRemovesItsOwnFileOnly(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	l := mustListen(t, path, 0o600)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the file stayed: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}

	l = mustListen(t, path, 0o600)
	if err := os.Rename(path, path+".aside"); err != nil {
		t.Fatal(err)
	}
	successor := mustListen(t, path, 0o600)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustTalk(t, successor, path)
}

func TestAddressIsTheFinalPath(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	if got := mustListen(t, path, 0o600).Addr().String(); got != path {
		t.Fatalf("address %q, want %q", got, path)
	}
}
