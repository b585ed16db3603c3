package keystore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// childFillsDisk lowers its own limit on the size of files to that of the store
// as it is (which needs no privilege, and binds root too), and fills up.
func childFillsDisk(path string) error {
	return fillUp(path, func(size int64) (restore func() error, err error) {
		limit := func(cur uint64) error {
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: cur, Max: ^uint64(0)})
		}
		return func() error { return limit(^uint64(0)) }, limit(uint64(size))
	})
}

// childFillsTmpfs mounts a small file system in a mount namespace of its own,
// and fills up.
func childFillsTmpfs(path string) error {
	folder := filepath.Dir(path)
	if err := mountTmpfs(folder); err != nil {
		fmt.Println("unable", err)
		return nil
	}
	ballast := filepath.Join(folder, "ballast")
	return fillUp(path, func(int64) (func() error, error) {
		err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600)
		if !errors.Is(err, syscall.ENOSPC) {
			return nil, fmt.Errorf("the file system does not fill up: %v", err)
		}
		return func() error { return os.Remove(ballast) }, nil
	})
}

// fillUp makes a store, leaves no room behind it, and tries changes until one
// is refused. Then checks must go on, nothing may be half done, and after the
// room is back changes must go on too, without a restart.
func fillUp(path string, leaveNoRoom func(size int64) (func() error, error)) error {
	s, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	rec, text, err := s.Create(NewKey{Name: "first", Permission: Full}, By{})
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	restore, err := leaveNoRoom(info.Size())
	if err != nil {
		return err
	}
	made, err := createUntilFull(s)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no room") {
		return fmt.Errorf("after %d keys: want a full disk, got %v", made, err)
	}
	fmt.Println("refused:", err)
	if err := checkAfterFull(s, text.Reveal(), made+1); err != nil {
		return err
	}
	if err := restore(); err != nil {
		return err
	}
	if _, err := s.Revoke(rec.ID, By{}); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if rec, err := s.Lookup(text.Reveal()); err != nil || rec.Status(s.Now()) != Revoked {
		return fmt.Errorf("with room again: %+v, %v", rec, err)
	}
	return s.Close()
}

func createUntilFull(s *Store) (made int, err error) {
	name := strings.Repeat("n", MaxName)
	for ; made < 10_000; made++ {
		if _, _, err := s.Create(NewKey{Name: name, Permission: Read}, By{Reason: strings.Repeat("r", MaxReason)}); err != nil {
			return made, err
		}
	}
	return made, nil
}

func checkAfterFull(s *Store, text string, keys int) error {
	for range 3 {
		s.cache.evict([]Digest{s.hasher.digest(text)})
		if _, err := s.Lookup(text); err != nil {
			return fmt.Errorf("a check on a full disk: %w", err)
		}
	}
	records, _, err := s.List(Filter{}, "", MaxPage)
	if err != nil || len(records) != keys {
		return fmt.Errorf("%d records of %d, %v", len(records), keys, err)
	}
	audit, err := s.Audit(0, MaxPage)
	if err != nil || len(audit) != keys {
		return fmt.Errorf("%d audit records of %d, %v", len(audit), keys, err)
	}
	return nil
}

// TestFileSizeLimit: without room a change is refused, nothing is half done, and
// checks go on.
func TestFileSizeLimit(t *testing.T) {
	out, err := child(t, "full", newPath(t)).Output()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// TestFullDisk is the same on a file system that really is full.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "tmpfs", newPath(t))
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
