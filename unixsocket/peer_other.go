//go:build !linux

package unixsocket

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

// PeerOf is errors.ErrUnsupported on this system.
func PeerOf(net.Conn) (Peer, error) {
	return Peer{}, fmt.Errorf("peer of a connection on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
