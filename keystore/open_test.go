package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// childHolds owns the store until it is killed.
func childHolds(path string) error {
	if _, err := Open(Options{Path: path}); err != nil {
		return err
	}
	fmt.Println("open")
	select {}
}

// TestSecondProcess: it gets a message that names the holder, not a hang.
func TestSecondProcess(t *testing.T) {
	path := newPath(t)
	cmd := child(t, "hold", path)
	nextLine(t, lines(t, cmd))
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	_, err := Open(Options{Path: path, LockTimeout: time.Millisecond})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat("/proc/locks"); err == nil {
		if want := fmt.Sprintf("(pid %d)", cmd.Process.Pid); !strings.HasSuffix(locked.Holder, want) {
			t.Errorf("holder %q, want %s", locked.Holder, want)
		}
	}
	if !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("no next step: %v", err)
	}
	if _, err := Repair(path); !errors.As(err, &locked) {
		t.Errorf("repair beside a server: %v", err)
	}
}

func TestLockHolder(t *testing.T) {
	locks := "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 0 08:01:42 0 EOF\n" +
		"2: -> FLOCK  ADVISORY  WRITE 9 08:01:42 0 EOF\n3: FLOCK  ADVISORY  WRITE 708 08:01:42 0 EOF\n4: FLOCK\n"
	if got := lockHolder(locks, 42); got != "708" {
		t.Errorf("got %q", got)
	}
	if got := lockHolder(locks, 43); got != "" {
		t.Errorf("got %q", got)
	}
}

// unopened tells what Open must refuse, with a part of the message.
func unopened(t *testing.T, o Options, want string) error {
	t.Helper()
	before, _ := os.ReadFile(o.Path)
	s, err := Open(o)
	if err == nil {
		_ = s.Close()
		t.Fatalf("opened; want %q", want)
	}
	if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "open keystore ") {
		t.Errorf("got %q, want %q", err, want)
	}
	if after, _ := os.ReadFile(o.Path); !bytes.Equal(before, after) {
		t.Error("the file was touched")
	}
	return err
}

func TestOpenRefusesPlaces(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"", "must not be empty"},
		{folder, "not a regular file"},
		{"/dev/null", "not a regular file"},
		{link, "leads nowhere"},
		{filepath.Join(folder, "none", "keys.db"), "mkdir -p"},
		{file("empty", ""), "the file is empty"},
		{file("short", "hello"), "not a keygate store"},
		{file("long", strings.Repeat("hello ", 9999)), "not a keygate store"},
		{filepath.Join(file("plain", "x"), "keys.db"), "not a directory"},
	} {
		_ = unopened(t, Options{Path: c.path}, c.want)
	}
	if _, err := os.Stat(filepath.Join(folder, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

func TestOpenRefusesOptions(t *testing.T) {
	for _, o := range []Options{
		{Pepper: make([]byte, MinPepper-1)}, {Pepper: []byte{}}, {Prefix: "Ant_"}, {Prefix: "ant"}, {CacheRecords: -1},
	} {
		o.Path = newPath(t)
		var invalid *InvalidError
		if _, err := Open(o); !errors.As(err, &invalid) {
			t.Errorf("%v: %v", o, err)
		}
		if _, err := os.Stat(o.Path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: something was made", o)
		}
	}
}

// TestOpenRefusesForeignBolt: a database of another program, one whose opening
// would even write to it.
func TestOpenRefusesForeignBolt(t *testing.T) {
	for _, options := range []*bolt.Options{{}, {NoFreelistSync: true}} {
		path := newPath(t)
		db, err := bolt.Open(path, 0o600, options)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("theirs"))
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		_ = unopened(t, Options{Path: path}, "not a keygate store")
	}
}

// inMeta changes the meta bucket of a closed store behind its back.
func inMeta(t *testing.T, path string, change func(meta *bolt.Bucket) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return change(tx.Bucket(bucketMeta)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesNewerFormat(t *testing.T) {
	path := newPath(t)
	mustClose(t, mustOpen(t, Options{Path: path}))
	inMeta(t, path, func(meta *bolt.Bucket) error {
		return meta.Put([]byte(metaFormat), encodeFormat(fileFormat+1))
	})
	err := unopened(t, Options{Path: path}, "newer")
	var format *FormatError
	if !errors.As(err, &format) || format.Found != fileFormat+1 {
		t.Errorf("got %#v", err)
	}
}

func TestOpenRefusesDamagedValues(t *testing.T) {
	for _, name := range []string{metaPepper, metaStoreID, metaTimeMark, metaImported, metaPrefix + "ant_"} {
		path := newPath(t)
		s := mustOpen(t, Options{Path: path})
		mustCreate(t, s, NewKey{})
		mustClose(t, s)
		inMeta(t, path, func(meta *bolt.Bucket) error {
			value := bytes.Clone(meta.Get([]byte(name)))
			value[0] ^= 0x80
			return meta.Put([]byte(name), value)
		})
		_ = unopened(t, Options{Path: path}, "restore a backup")
	}
}

func TestOpenRefusesWrongPepper(t *testing.T) {
	right, wrong := bytes.Repeat([]byte("r"), MinPepper), bytes.Repeat([]byte("w"), 100)
	for _, c := range []struct {
		made, opened []byte
		want         string
	}{
		{nil, wrong, "made without a pepper"},
		{right, nil, "made with a pepper"},
		{right, wrong, "made with another one"},
	} {
		path := newPath(t)
		mustClose(t, mustOpen(t, Options{Path: path, Pepper: c.made}))
		if err := unopened(t, Options{Path: path, Pepper: c.opened}, c.want); !errors.Is(err, ErrWrongPepper) {
			t.Errorf("got %v", err)
		}
		mustOpen(t, Options{Path: path, Pepper: c.made})
	}
}

// TestPepperIsInTheDigest: and shows in nothing that prints the options.
func TestPepperIsInTheDigest(t *testing.T) {
	pepper := bytes.Repeat([]byte("p"), MinPepper)
	s := mustOpen(t, Options{Path: newPath(t), Pepper: pepper})
	rec, text := mustCreate(t, s, NewKey{})
	if got := mustLookup(t, s, text); !same(got, rec) {
		t.Errorf("got %+v", got)
	}
	if s.hasher.digest(text) == newHasher(nil).digest(text) {
		t.Error("the pepper changes nothing")
	}
	if printed := fmt.Sprintf("%v %+v %#v", Options{Pepper: pepper}, Options{Pepper: pepper}, Options{Pepper: pepper}); strings.Contains(printed, "112") || strings.Contains(printed, "0x70") || strings.Contains(printed, "pppp") {
		t.Errorf("the pepper shows: %s", printed)
	}
}

func TestUseAfterClose(t *testing.T) {
	s, err := Open(Options{Path: newPath(t)})
	if err != nil {
		t.Fatal(err)
	}
	rec, text := mustCreate(t, s, NewKey{})
	mustLookup(t, s, text)
	mustClose(t, s)
	mustClose(t, s)
	_, err1 := s.Lookup(text)
	_, err2 := s.Get(rec.ID)
	_, err3 := s.Revoke(rec.ID, By{})
	_, _, err4 := s.List(Filter{}, "", 1)
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

// TestPrefixChange: keys minted under an earlier prefix keep working.
func TestPrefixChange(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, Options{Path: path})
	_, old := mustCreate(t, s, NewKey{})
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path, Prefix: "acme1_"})
	_, fresh := mustCreate(t, s, NewKey{})
	mustClose(t, s)
	s = mustOpen(t, Options{Path: path, Prefix: "zz_"})
	mustLookup(t, s, old)
	mustLookup(t, s, fresh)
	if got := fmt.Sprint(s.Prefixes()); got != "[acme1_ ant_ zz_]" {
		t.Errorf("prefixes %s", got)
	}
	if !strings.HasPrefix(fresh, "acme1_") {
		t.Errorf("minted %s", fresh)
	}
}
