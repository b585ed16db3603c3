package keystore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// childStarts waits for the end of its input, which all children get at once,
// then opens the store from many goroutines, and says which store each owned.
func childStarts(path string) error {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := Open(Options{Path: path, LockTimeout: time.Minute})
			if err != nil {
				fmt.Println("error", err)
				return
			}
			fmt.Println("owns", s.ID())
			if err := s.Close(); err != nil {
				fmt.Println("error", err)
			}
		})
	}
	all.Wait()
	return nil
}

// TestTwoFirstStartsNeverBothOwnAStore: two first starts never both own a store.
func TestTwoFirstStartsNeverBothOwnAStore(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		path := newPath(t)
		ids := map[string]int{}
		for _, id := range firstStarts(t, path) {
			ids[id]++
		}
		if len(ids) != 1 {
			t.Errorf("several stores came to be: %v", ids)
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
		if err != nil || len(left) != 0 {
			t.Errorf("temporary files are left: %v, %v", left, err)
		}
	}
}

// firstStarts starts several children on a path without a file, and returns the
// id of the store that each of their goroutines owned.
func firstStarts(t *testing.T, path string) (ids []string) {
	t.Helper()
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var cmds []*exec.Cmd
	var outs []<-chan string
	for range 4 {
		cmd := child(t, "firststart", path)
		cmd.Stdin = gate
		out := lines(t, cmd)
		if line := nextLine(t, out); line != "ready" {
			t.Fatalf("the child says %q", line)
		}
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	if err := errors.Join(open.Close(), gate.Close()); err != nil {
		t.Fatal(err)
	}
	for i, out := range outs {
		for line := range out {
			var id string
			if _, err := fmt.Sscanf(line, "owns %s", &id); err != nil {
				t.Errorf("the child says %q", line)
			}
			ids = append(ids, id)
		}
		if err := cmds[i].Wait(); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 4*8 {
		t.Errorf("%d of 32 starts owned the store", len(ids))
	}
	return ids
}

// TestNewFileIsPublishedWhole: what createFile leaves is a store with mode 0600,
// and a temporary file of a dead start goes, but not one that is new or locked.
func TestNewFileIsPublishedWhole(t *testing.T) {
	path := newPath(t)
	temp := func(name string, age time.Duration) string {
		name = filepath.Join(filepath.Dir(path), name)
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		return name
	}
	dead := temp(".keys.db.new-1", time.Hour)
	young := temp(".keys.db.new-2", 0)
	held := temp(".keys.db.new-3", time.Hour)
	other := temp(".other.db.new-4", time.Hour)
	f, err := os.OpenFile(held, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := lock(f, held, time.Second); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Options{Path: path})
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", dead, err)
	}
	for _, name := range []string{young, held, other} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
