package usage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// childFillsFile lowers its own limit on the size of files to that of the file as
// it is (which needs no privilege, and binds root too), and fills up.
func childFillsFile(path string) error {
	return fillUp(path, func(size int64) (restore func() error, err error) {
		limit := func(cur uint64) error {
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: cur, Max: ^uint64(0)})
		}
		return func() error { return limit(^uint64(0)) }, limit(uint64(size))
	})
}

// childFillsDisk mounts a small file system in a mount namespace of its own, and
// fills up.
func childFillsDisk(path string) error {
	if err := mountTmpfs(filepath.Dir(path)); err != nil {
		fmt.Println("unable", err)
		return nil
	}
	return fillUp(path, func(int64) (func() error, error) { return ballast(path, 0) })
}

// ballast fills a file system but for some bytes.
func ballast(path string, left int64) (remove func() error, err error) {
	name := filepath.Join(filepath.Dir(path), "ballast")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return nil, fmt.Errorf("the file system does not fill up: %v", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	return func() error { return os.Remove(name) }, os.Truncate(name, info.Size()-left)
}

// childLeavesRoom has a few free pages in its small file system, which are not
// for usage.
func childLeavesRoom(path string) error {
	if err := mountTmpfs(filepath.Dir(path)); err != nil {
		fmt.Println("unable", err)
		return nil
	}
	for _, begun := range []bool{false, true} {
		remove, err := ballast(path, 5*int64(os.Getpagesize()))
		if err != nil {
			return err
		}
		r, err := Open(Options{Path: path})
		if err != nil {
			return err
		}
		r.Count(allowed("k"))
		if err := r.Flush(context.Background()); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "for the keys") {
			return fmt.Errorf("begun %v: %w", begun, err)
		}
		if u, err := r.Of("k"); err != nil || u.Allowed == 0 || r.Stats().MemoryOnly == begun {
			return fmt.Errorf("begun %v: %+v, %+v, %w", begun, u, r.Stats(), err)
		}
		if err := errors.Join(remove(), r.Flush(context.Background()), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// fillUp stores a key, leaves no room behind the file, and counts more keys than
// it can take. Nothing may be lost, and with room again all must be stored.
func fillUp(path string, leaveNoRoom func(size int64) (func() error, error)) error {
	const keys = 1000
	r, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	r.room = func(string) error { return nil }
	count := func() {
		for i := range keys {
			r.Count(allowed(keyID(i)))
		}
	}
	r.Count(allowed(keyID(0)))
	if err := r.Flush(context.Background()); err != nil {
		return err
	}
	restore, err := leaveNoRoom(r.file.Load().size())
	if err != nil {
		return err
	}
	for range 3 {
		count()
		err := r.Flush(context.Background())
		if err == nil {
			return errors.New("stored where?")
		}
		fmt.Println("refused:", err)
	}
	if err := allCounted(r, keys, 3); err != nil {
		return fmt.Errorf("without room: %w", err)
	}
	if err := restore(); err != nil {
		return err
	}
	count()
	if err := r.Flush(context.Background()); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := r.Close(); err != nil {
		return err
	}
	if r, err = Open(Options{Path: path}); err != nil {
		return err
	}
	return errors.Join(allCounted(r, keys, 4), r.Close())
}

// allCounted checks that each key was counted n times, and the first once more.
func allCounted(r *Recorder, keys int, n uint64) error {
	for i := range keys {
		want := n
		if i == 0 {
			want++
		}
		if u, err := r.Of(keyID(i)); err != nil || u.Allowed != want {
			return fmt.Errorf("key %d: %d allowed, want %d: %w", i, u.Allowed, want, err)
		}
	}
	return nil
}

// TestFileSizeLimit: without room nothing is lost, and with room again it is
// stored.
func TestFileSizeLimit(t *testing.T) {
	out, err := child(t, "full", newPath(t)).Output()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// TestFullDisk is the same on a file system that really is full.
func TestFullDisk(t *testing.T) { runMounted(t, "tmpfs") }

// TestRoomIsLeft: on a disk that is nearly full usage leaves the rest to the keys;
// what is stored can be read.
func TestRoomIsLeft(t *testing.T) { runMounted(t, "tight") }

// runMounted runs a child that mounts a file system.
func runMounted(t *testing.T, word string) {
	t.Helper()
	cmd := child(t, word, newPath(t))
	ownMounts(cmd)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || strings.HasPrefix(string(out), "unable") {
		t.Skipf("no mount namespace here (TestFileSizeLimit stands in): %v %s", err, out)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
