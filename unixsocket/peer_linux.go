package unixsocket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// PeerOf tells who is at the other end of a Unix socket connection
// (SO_PEERCRED): for an accepted connection the process that connected, for a
// dialled one the process that listens. It is errors.ErrUnsupported for other
// connections and on other systems than Linux.
func PeerOf(c net.Conn) (Peer, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return Peer{}, fmt.Errorf("peer of a %T: %w", c, errors.ErrUnsupported)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("peer of the connection: %w", err)
	}
	var cred *syscall.Ucred
	var optErr error
	err = raw.Control(func(fd uintptr) {
		cred, optErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, os.NewSyscallError("getsockopt", optErr)); err != nil {
		return Peer{}, fmt.Errorf("peer of the connection: %w", err)
	}
	return Peer{UID: cred.Uid, PID: int(cred.Pid)}, nil
}
