//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package config

import (
	"io/fs"
	"syscall"
)

// Modes of access(2).
const (
	mayExecute = 1
	mayWrite   = 2
)

// writable asks the system whether this user may write a file, or create files
// in a folder. Asking by mode bits would miss access lists and read-only mounts.
func writable(path string, isFolder bool) bool {
	var mode uint32 = mayWrite
	if isFolder {
		mode |= mayExecute
	}
	return syscall.Access(path, mode) == nil
}

// exposed tells whether every user of the machine may read a file.
func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o004 != 0 }
