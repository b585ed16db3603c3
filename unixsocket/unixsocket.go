// Package unixsocket opens the Unix sockets that keygate listens on: the
// admin socket, which only its owner may use, and the ext_authz socket, which
// Envoy's group may use too.
//
// What [Listen] promises:
//
//   - Nobody ever connects under a wider mode than the one asked for, whatever
//     the umask: the mode is set between bind(2) and listen(2), and until
//     listen(2) every connection is refused.
//   - A socket file that a killed process left behind is replaced.
//   - A socket that somebody still listens on is left alone, and so is
//     everything that is not a socket. Both are errors that say what to do.
//   - Of several processes that start at once on one path, exactly one gets it:
//     looking and binding happen under a lock on the folder, which needs no
//     file of its own and ends with the process.
//   - Closing the listener removes its file, and only its own.
//
// The socket is bound at its final path rather than renamed into place, so that
// ss(8) and lsof(8) show the path that the operator configured.
package unixsocket

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
)

// InUseError says that a process answers on the path. Nothing was changed. Its
// text leaves the path to the error around it, as that of NotSocketError does.
type InUseError struct {
	Path string
	PID  int // the listening process; 0 where the system does not tell
}

func (e *InUseError) Error() string {
	who := "a running process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return who + " listens there already: stop it first, or configure another path"
}

// NotSocketError says that the path holds something else than a socket, which
// is never removed.
type NotSocketError struct {
	Path string
	Mode fs.FileMode // its type
}

func (e *NotSocketError) Error() string {
	return fmt.Sprintf("a %s is there, not a socket, and was left alone: move it away, or configure another path", kind(e.Mode))
}

// kind names a file type in a word.
func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m.IsRegular():
		return "regular file"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "special file"
}

// Peer is the process at the other end of a connection, as the kernel saw it
// when the connection was made. It cannot be forged by the peer.
type Peer struct {
	UID uint32
	PID int // 0 when the process is outside our PID namespace
}

// listener removes its socket file when it is closed.
type listener struct {
	net.Listener
	path  string
	file  fs.FileInfo // the file that Listen made
	once  sync.Once
	ended error
}

// Close removes the socket file if it is still the one that Listen made, and
// stops listening. The file goes first: as long as we listen, another start
// finds the socket alive and leaves the path alone, so that what is removed
// here is never a successor's. Calling it again returns the same error.
func (l *listener) Close() error {
	l.once.Do(func() {
		if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
			_ = os.Remove(l.path) // a file that stays is replaced by the next start
		}
		l.ended = l.Listener.Close()
	})
	return l.ended
}
