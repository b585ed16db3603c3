package keystore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockPause is the time between two attempts at the lock.
const lockPause = 20 * time.Millisecond

// lock takes the file lock that bbolt takes (flock, exclusive), so that the
// file can be looked at before bbolt opens it. bbolt gets the same open file,
// and its own lock is then granted at once.
func lock(f *os.File, path string, timeout time.Duration) error {
	for begin := time.Now(); ; time.Sleep(lockPause) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("open keystore %q: lock: %w", path, err)
		}
		if time.Since(begin) >= timeout {
			return &LockedError{Path: path, Holder: holder(f)}
		}
	}
}

// holder names the process that holds the lock, where the system tells: Linux
// lists locks by inode. A holder in another container shows as pid 0 or not at
// all.
func holder(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	pid := lockHolder(string(locks), stat.Ino)
	if pid == "" {
		return ""
	}
	comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return fmt.Sprintf("the process with pid %s", pid)
	}
	return fmt.Sprintf("%s (pid %s)", printableWord(string(comm)), pid)
}

// lockHolder finds the pid in a line such as
//
//	1: FLOCK  ADVISORY  WRITE 708 08:01:1234 0 EOF
func lockHolder(locks string, inode uint64) string {
	for line := range strings.Lines(locks) {
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" {
			continue
		}
		_, ino, _ := cutLast(f[5], ":")
		if ino == fmt.Sprint(inode) && f[4] != "0" && !strings.HasPrefix(f[4], "-") {
			return f[4]
		}
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// printableWord keeps what another process calls itself out of the terminal.
func printableWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}
