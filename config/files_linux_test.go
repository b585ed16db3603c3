package config

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// nobody is a user without rights of its own.
const nobody = 65534

// asNobody runs f on a thread that is not root, so that modes count for it. The
// thread is thrown away afterwards.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		if errno == 0 {
			f()
		}
		done <- errno
	}()
	if errno := <-done; errno != 0 {
		t.Fatalf("cannot become another user: %v", errno)
	}
}

func TestCheckFilesAsksForTheRightToWrite(t *testing.T) {
	c, folder := sound(t)
	write(t, c.Store.Path, "a database")
	for name, mode := range map[string]os.FileMode{
		".": 0o755, "data": 0o777, "data/keys.db": 0o444, "envoy": 0o555, "run": 0o666, "pepper": 0o200,
	} {
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(folder, "run"), 0o700) })
	var got []Problem
	asNobody(t, func() { got = c.CheckFiles() })
	expectProblems(t, got, []string{
		":1:23: listen.1: found the folder \"" + folder + "/envoy\", which this user cannot write to",
		":2:16: store.path: found \"" + folder + "/data/keys.db\", which this user cannot write",
		":2:43: store.pepper_file: found a pepper file that cannot be read: permission denied",
		":3:18: admin.socket: found the folder \"" + folder + "/run\", which this user cannot write to",
	})
}
