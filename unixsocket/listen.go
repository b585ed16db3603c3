package unixsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	maxPath      = len(syscall.RawSockaddrUnix{}.Path) - 1 // bytes; the kernel wants a NUL behind it
	backlog      = 4096                                    // the kernel lowers it to its own limit
	lockWait     = 2 * time.Second
	lockInterval = 10 * time.Millisecond
	probeWait    = time.Second
)

// testingOnlyBeforeBind runs after the path was found free and before the
// socket is bound.
var testingOnlyBeforeBind func()

// Listen listens on a Unix stream socket at path with the permission bits of
// mode. The package comment states what it promises.
//
// Errors: *[InUseError], *[NotSocketError], or a plain error that names the path
// and the next step (the folder is missing, the path is longer than the system
// takes, no permission). On error nothing was created, and of what was there at
// most a stale socket is gone.
//
// The caller must close the listener.
func Listen(path string, mode fs.FileMode) (net.Listener, error) {
	l, err := listen(path, mode.Perm())
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	return l, nil
}

func listen(path string, mode fs.FileMode) (net.Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	if testingOnlyBeforeBind != nil {
		testingOnlyBeforeBind()
	}
	return bind(path, mode)
}

// checkPath refuses what cannot be the path of a socket file.
func checkPath(path string) error {
	switch {
	case path == "":
		return errors.New("the path is empty")
	case strings.HasPrefix(path, "@"), strings.Contains(path, "\x00"):
		return errors.New("an abstract socket has no permissions: use a path")
	case len(path) > maxPath:
		return fmt.Errorf("the path is %d bytes long, and this system takes at most %d: use a shorter one", len(path), maxPath)
	}
	return nil
}

// lockFolder takes the lock under which starts on a path of this folder happen
// one after the other. It waits 2 s at most.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder is missing: create it with `mkdir -p %s`", dir)
	}
	if err != nil {
		return nil, err
	}
	if err := flock(f, time.Now().Add(lockWait)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder %q: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing ends the lock
}

// flock tries until the deadline: a blocking flock(2) could hang a start for
// ever behind a stopped process.
func flock(f *os.File, deadline time.Time) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("another process has held it for %v: is it stopped in its start?", lockWait)
		default:
			time.Sleep(lockInterval)
		}
	}
}

// removeStale removes a stale socket at path, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return &NotSocketError{Path: path, Mode: info.Mode().Type()}
	}
	if err := probe(path); err != nil {
		return err
	}
	return os.Remove(path)
}

// probe returns nil if nobody listens on the socket. Only a refused connection
// proves that: a full queue or a missing permission can hide a living server.
func probe(path string) error {
	conn, err := net.DialTimeout("unix", path, probeWait)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err == nil {
		pid := listenerPID(conn)
		return errors.Join(&InUseError{Path: path, PID: pid}, conn.Close())
	}
	if errors.Is(err, syscall.EAGAIN) {
		return &InUseError{Path: path}
	}
	return fmt.Errorf("a socket is there, and whether somebody listens on it is not clear (%w): remove it if it is a leftover", err)
}

// listenerPID is 0 when the system does not tell.
func listenerPID(conn net.Conn) int {
	p, err := PeerOf(conn)
	if err != nil {
		return 0
	}
	return p.PID
}

// bind makes the socket. net.Listen would leave no room between bind(2), which
// creates the file under the umask, and listen(2), from where on anybody whom
// that mode admits could connect.
func bind(path string, mode fs.FileMode) (net.Listener, error) {
	f, err := newSocket()
	if err != nil {
		return nil, err
	}
	defer f.Close() // the listener has a duplicate
	fd := int(f.Fd())
	// Linux creates the file with this mode (less the umask); the others say
	// EINVAL and rely on the chmod below alone.
	_ = syscall.Fchmod(fd, uint32(mode))
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	l, err := openDoor(f, path, mode)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return l, nil
}

// openDoor gives the bound file its mode, and only then starts to listen.
func openDoor(f *os.File, path string, mode fs.FileMode) (net.Listener, error) {
	if err := os.Chmod(path, mode); err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Listen(int(f.Fd()), backlog); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	inner, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return &listener{Listener: inner, path: path, file: info}, nil
}

// newSocket returns a stream socket that child processes do not inherit.
func newSocket() (*os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "unix socket"), nil
}
