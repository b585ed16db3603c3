//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package unixsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"runtime"
)

// Listen is not available on this system.
func Listen(path string, _ fs.FileMode) (net.Listener, error) {
	return nil, fmt.Errorf("listen on %q: no Unix sockets with permissions on %s: %w", path, runtime.GOOS, errors.ErrUnsupported)
}
