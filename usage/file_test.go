package usage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func asides(t testing.TB, path string) []string {
	t.Helper()
	names, err := filepath.Glob(path + ".broken-*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func mustNotBeAside(t testing.TB, path string) {
	t.Helper()
	if names := asides(t, path); len(names) != 0 {
		t.Errorf("moved aside: %v", names)
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustWrite(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, fileMode); err != nil {
		t.Fatal(err)
	}
}

// copyOf is what a crash of the machine's power aside would leave of the file.
func copyOf(t testing.TB, path string) string {
	t.Helper()
	to := newPath(t)
	mustWrite(t, to, mustRead(t, path))
	return to
}

// newSample is the file of a closed recorder that counted each key three times as
// often as its number says, from 1, in three flushes.
func newSample(t testing.TB, keys int) []byte {
	t.Helper()
	path := newPath(t)
	r := mustOpenAny(t, Options{Path: path})
	for range 3 {
		for i := range keys {
			for range i + 1 {
				r.Count(allowed(keyID(i)))
			}
		}
		mustFlush(t, r)
	}
	mustClose(t, r)
	return mustRead(t, path)
}

// mustWork checks that a recorder over whatever there is at path counts, says
// what it counted, and comes back with it after a restart.
func mustWork(t testing.TB, path string) {
	t.Helper()
	r := mustOpenAny(t, Options{Path: path})
	r.Count(allowed("new"))
	wantAllowed(t, r, "new", 1)
	within(t, "flush", func() { _ = r.Flush(context.Background()) })
	mustFlush(t, r)
	r.Count(allowed("new"))
	mustClose(t, r)
	r = mustOpenAny(t, Options{Path: path})
	wantAllowed(t, r, "new", 2)
	mustClose(t, r)
	mustBeSound(t, path)
}

// TestBrokenFiles: whatever is in the file, Open moves it aside as it was,
// begins anew and says so.
func TestBrokenFiles(t *testing.T) {
	good := newSample(t, 300)
	noise := make([]byte, 100_000)
	rnd := rand.NewChaCha8([32]byte{1})
	_, _ = rnd.Read(noise)
	text := []byte(strings.Repeat("not a database\n", 1000))
	page := os.Getpagesize()
	for name, raw := range map[string][]byte{
		"noise":            noise,
		"text":             text,
		"one byte":         {1},
		"zeros":            make([]byte, 1<<16),
		"cut":              good[:len(good)/2/page*page],
		"cut in a page":    good[:page+100],
		"noise behind":     append(bytes.Clone(good[:3*page]), noise...),
		"both metas":       append(bytes.Clone(noise[:2*page]), good[2*page:]...),
		"a foreign bbolt":  foreign(t, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("keys")); return err }),
		"a newer format":   altered(t, good, "format", []byte{0, 0, 0, 2}),
		"no format":        altered(t, good, "format", nil),
		"begun never":      altered(t, good, "begun", make([]byte, 8)),
		"begun what":       altered(t, good, "begun", []byte{1}),
		"alive in no time": altered(t, good, "alive", binary.BigEndian.AppendUint64(nil, 1<<63)),
	} {
		path := newPath(t)
		mustWrite(t, path, raw)
		var log logText
		r := mustOpenAny(t, Options{Path: path, Log: log.logger()})
		aside := asides(t, path)
		if len(aside) != 1 || !bytes.Equal(mustRead(t, aside[0]), raw) || r.Stats().MemoryOnly || !strings.Contains(log.String(), "moved aside") {
			t.Errorf("%s: %v, %s", name, aside, &log)
		}
		wantAllowed(t, r, keyID(1), 0)
		mustClose(t, r)
		mustWork(t, path)
	}
}

// foreign is a bbolt file that is none of ours.
func foreign(t testing.TB, fill func(*bolt.Tx) error) []byte {
	t.Helper()
	path := newPath(t)
	db, err := bolt.Open(path, fileMode, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fill); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return mustRead(t, path)
}

// altered is the file with another value, or none, in its meta bucket.
func altered(t testing.TB, raw []byte, name string, value []byte) []byte {
	t.Helper()
	path := newPath(t)
	mustWrite(t, path, raw)
	db, err := bolt.Open(path, fileMode, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if value == nil {
			return tx.Bucket(bucketMeta).Delete([]byte(name))
		}
		return tx.Bucket(bucketMeta).Put([]byte(name), value)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return mustRead(t, path)
}

// TestEmptyFiles: a file without a byte, and one that a first start left without
// a bucket, are begun in place.
func TestEmptyFiles(t *testing.T) {
	for _, raw := range [][]byte{{}, foreign(t, func(*bolt.Tx) error { return nil })} {
		path := newPath(t)
		mustWrite(t, path, raw)
		mustWork(t, path)
		mustNotBeAside(t, path)
	}
}

// TestEveryPageFlipped: damage anywhere in the file stops nothing, be it noticed
// or not, and a count is never of another key.
func TestEveryPageFlipped(t *testing.T) {
	good := newSample(t, 300)
	folder := t.TempDir()
	rnd := rand.New(rand.NewPCG(7, 7))
	step := 101
	if testing.Short() {
		step = 401
	}
	moved, whole, rounds := 0, 0, 0
	for at := 0; at < len(good); at += 1 + rnd.IntN(2*step) {
		rounds++
		path := filepath.Join(folder, fmt.Sprint(at))
		raw := bytes.Clone(good)
		raw[at] ^= 1 << rnd.IntN(8)
		mustWrite(t, path, raw)
		r := mustOpenAny(t, Options{Path: path})
		r.Count(allowed("new"))
		for i := 0; i < 300; i += 13 {
			u, _ := r.Of(keyID(i))
			if u.Allowed%uint64(i+1) != 0 || u.Allowed > 3*uint64(i+1) {
				t.Errorf("byte %d, key %d: %+v", at, i, u)
			}
			if u.Allowed == 3*uint64(i+1) {
				whole++
			}
		}
		within(t, "flush", func() { _ = r.Flush(context.Background()) })
		u, _ := r.Of("new")
		if u.Allowed != 1 {
			t.Errorf("byte %d: %+v", at, u)
		}
		within(t, "close", func() { _ = r.Close() })
		aside := asides(t, path)
		for _, name := range append(aside, path) {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		moved += min(len(aside), 1)
	}
	t.Logf("%d bits flipped, %d files moved aside", rounds, moved)
	if moved == 0 || whole == 0 {
		t.Errorf("%d moved, %d values whole", moved, whole)
	}
}

// TestFlippedWhileOpen: damage under a running recorder is an error of a call, and
// the next flush goes on with a file that is sound.
func TestFlippedWhileOpen(t *testing.T) {
	path := newPath(t)
	size := os.Getpagesize()
	for i := range 2 * len(newSampleOnce(t)) / size {
		page := i / 2
		mustWrite(t, path, newSampleOnce(t))
		r := mustOpenAny(t, Options{Path: path})
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		noise := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{byte(page)}).Read(noise)
		if i%2 == 0 { // it looks like the page that it was, of a terrible length
			copy(noise, newSampleOnce(t)[page*size:][:12])
			order.PutUint32(noise[12:], 1<<31)
		}
		if _, err := f.WriteAt(noise, int64(page*size)); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			r.Count(allowed(keyID(i)))
			within(t, "Of", func() { _, _ = r.Of(keyID(i)) })
			r.LastUsed(keyID(i))
		}
		for range 2 {
			within(t, "flush", func() { _ = r.Flush(context.Background()) })
		}
		r.Count(allowed("new"))
		within(t, "close", func() { _ = r.Close() })
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		r = mustOpenAny(t, Options{Path: path})
		if u := mustOf(t, r, "new"); u.Allowed != 1 {
			t.Errorf("page %d: %+v", page, u)
		}
		mustClose(t, r)
	}
}

var theSample []byte

func newSampleOnce(t testing.TB) []byte {
	t.Helper()
	if theSample == nil {
		theSample = newSample(t, 300)
	}
	return theSample
}

// TestCutWhileOpen: a fault of the mapped file is not the end of the process, and
// nothing hangs afterwards.
func TestCutWhileOpen(t *testing.T) {
	page := int64(os.Getpagesize())
	for _, size := range []int64{0, page, 2 * page, 3 * page, 5 * page} {
		path := newPath(t)
		mustWrite(t, path, newSampleOnce(t))
		r := mustOpenAny(t, Options{Path: path})
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			r.Count(allowed(keyID(i)))
			within(t, "Of", func() { _, _ = r.Of(keyID(i)) })
			within(t, "LastUsed", func() { r.LastUsed(keyID(i)) })
		}
		within(t, "flush", func() { _ = r.Flush(context.Background()) })
		mustFlush(t, r)
		r.Count(allowed("new"))
		mustClose(t, r)
		r = mustOpen(t, Options{Path: path})
		wantAllowed(t, r, "new", 1)
		if u := mustOf(t, r, keyID(7)); u.Allowed < 1 {
			t.Errorf("%+v", u)
		}
	}
}

// TestClosedRightAfterTheCut: Close finds the file broken, and stores what is in
// memory in a new one.
func TestClosedRightAfterTheCut(t *testing.T) {
	path := newPath(t)
	mustWrite(t, path, newSampleOnce(t))
	r := mustOpenAny(t, Options{Path: path})
	r.Count(allowed("new"))
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	within(t, "close", func() { _ = r.Close() })
	wantAllowed(t, mustOpen(t, Options{Path: path}), "new", 1)
}

// TestDeletedWhileOpen: the next flush begins a new file, and what was counted
// since survives a restart.
func TestDeletedWhileOpen(t *testing.T) {
	c, path := newClock(), newPath(t)
	r := mustOpenAny(t, Options{Path: path, Now: c.Now})
	r.Count(allowed("k"))
	mustFlush(t, r)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantAllowed(t, r, "k", 1)
	r.Count(allowed("k"))
	wantAllowed(t, r, "k", 2)
	c.add(time.Minute)
	mustFlush(t, r)
	wantAllowed(t, r, "k", 1)
	if !r.Begun().Equal(c.Now()) || !r.Watching().Equal(c.Now()) {
		t.Errorf("begun %v, watching %v", r.Begun(), r.Watching())
	}
	mustClose(t, r)
	wantAllowed(t, mustOpen(t, Options{Path: path, Now: c.Now}), "k", 1)
	mustNotBeAside(t, path)
}

// TestReplacedWhileOpen: a backup that is put in its place is gone on with.
func TestReplacedWhileOpen(t *testing.T) {
	path := newPath(t)
	r := mustOpen(t, Options{Path: path})
	r.Count(allowed(keyID(1)))
	mustFlush(t, r)
	r.Count(allowed(keyID(1)))
	backup := path + ".backup"
	mustWrite(t, backup, newSampleOnce(t))
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantAllowed(t, r, keyID(1), 7)
}

// TestFolderDeleted: the recorder goes on in memory, and stores when the folder is
// back.
func TestFolderDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "usage.db")
	folder := filepath.Dir(path)
	var log logText
	r := mustOpenAny(t, Options{Path: path, Log: log.logger()})
	if st := r.Stats(); !st.MemoryOnly || !strings.Contains(log.String(), "memory alone") {
		t.Errorf("%+v, %s", st, &log)
	}
	for round := range uint64(3) {
		r.Count(allowed("k"))
		if err := r.Flush(context.Background()); err == nil {
			t.Error("stored where?")
		}
		wantAllowed(t, r, "k", round+1)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantAllowed(t, r, "k", 3)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	r.Count(allowed("k"))
	if err := r.Flush(context.Background()); err == nil {
		t.Error("stored where?")
	}
	wantAllowed(t, r, "k", 1)
	within(t, "close", func() {
		if err := r.Close(); err == nil {
			t.Error("want an error")
		}
	})
}

// TestNoPlainFile: what is no file is left alone.
func TestNoPlainFile(t *testing.T) {
	path := newPath(t)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	inMemoryAlone(t, path)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	link := newPath(t)
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	inMemoryAlone(t, link)
	mustNotBeAside(t, link)
}

// inMemoryAlone checks that a recorder works without its file.
func inMemoryAlone(t testing.TB, path string) {
	t.Helper()
	var log logText
	r := mustOpenAny(t, Options{Path: path, Log: log.logger()})
	r.Count(allowed("k"))
	if err := r.Flush(context.Background()); err == nil || !r.Stats().MemoryOnly || !strings.Contains(log.String(), "memory alone") {
		t.Errorf("%v, %s", err, &log)
	}
	r.Count(allowed("k"))
	wantAllowed(t, r, "k", 2)
	if r.LastUsed("k").IsZero() || r.Begun().IsZero() || r.Watching().IsZero() {
		t.Error("a time is missing")
	}
	within(t, "close", func() { _ = r.Close() })
}

// TestLink: a file on another disk, behind a symbolic link, is a file.
func TestLink(t *testing.T) {
	target, path := newPath(t), newPath(t)
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	mustWork(t, path)
	mustBeSound(t, target)
}

// childHolds opens the file until its standard input ends.
func childHolds(path string) error {
	r, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	r.Count(allowed("k"))
	fmt.Println("open")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return r.Close()
}

// TestSecondProcess: a file that another process holds is not touched; memory
// serves until it is free.
func TestSecondProcess(t *testing.T) {
	path := newPath(t)
	cmd := child(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := lines(t, cmd)
	nextLine(t, out)
	var log logText
	r := mustOpenAny(t, Options{Path: path, Log: log.logger()})
	r.Count(allowed("k"))
	if err := r.Flush(context.Background()); err == nil || !r.Stats().MemoryOnly || !strings.Contains(log.String(), "another process") {
		t.Errorf("%v, %s", err, &log)
	}
	wantAllowed(t, r, "k", 1)
	mustNotBeAside(t, path)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, r)
	wantAllowed(t, r, "k", 2) // one of the other process
	mustClose(t, r)
	wantAllowed(t, mustOpen(t, Options{Path: path}), "k", 2)
}

// childMayNotRead does what mustWork does, without the right to read the file.
func childMayNotRead(path string) error {
	if f, err := os.Open(path); err == nil {
		_ = f.Close()
		fmt.Println("unable")
		return nil
	}
	r, err := Open(Options{Path: path})
	if err != nil {
		return err
	}
	r.Count(allowed("k"))
	if err := r.Flush(context.Background()); err != nil {
		return err
	}
	return r.Close()
}

// childReadsOnly has a folder that it may not write to.
func childReadsOnly(path string) error {
	if err := os.WriteFile(path+".probe", nil, 0o600); err == nil {
		fmt.Println("unable")
		return nil
	}
	var log logText
	r, err := Open(Options{Path: path, Log: log.logger()})
	if err != nil {
		return err
	}
	r.Count(allowed("k"))
	for range 3 {
		<-time.After(2 * time.Millisecond) // nothing in the error is of the moment
		if err := r.Flush(context.Background()); err == nil {
			return fmt.Errorf("stored where?")
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		return fmt.Errorf("%d lines:\n%s", n, &log)
	}
	if u, err := r.Of("k"); err != nil || u.Allowed != 1 {
		return fmt.Errorf("%+v, %w", u, err)
	}
	_ = r.Close()
	return nil
}

// TestUnreadableFile: a file of somebody else is moved aside.
func TestUnreadableFile(t *testing.T) {
	path := newPath(t)
	mustWrite(t, path, newSampleOnce(t))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	mustRunUnprivileged(t, child(t, "unread", path))
	wantAllowed(t, mustOpen(t, Options{Path: path}), "k", 1)
	if names := asides(t, path); len(names) != 1 {
		t.Error(names)
	}
}

// TestReadOnlyFolder: without a file and the right to make one, and with one that
// may not be read or moved.
func TestReadOnlyFolder(t *testing.T) {
	for _, file := range []bool{false, true} {
		path := newPath(t)
		if file {
			mustWrite(t, path, newSampleOnce(t))
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
		mustRunUnprivileged(t, child(t, "readonly", path))
		mustNotBeAside(t, path)
	}
}

// mustRunUnprivileged runs a child that file permissions bind, also where the
// tests run as root.
func mustRunUnprivileged(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	unprivileged(cmd)
	out, err := cmd.Output()
	if strings.HasPrefix(string(out), "unable") || err != nil && len(out) == 0 {
		t.Skipf("no way to be unprivileged here: %v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestAsideIsBounded: the last three broken files are kept, and nothing else is
// removed.
func TestAsideIsBounded(t *testing.T) {
	c, path := newClock(), newPath(t)
	keep := []string{path + ".broken-mine", path + ".broken-20260301T120000.00x", path + ".old", filepath.Join(filepath.Dir(path), "keys.db")}
	for _, name := range keep {
		mustWrite(t, name, []byte("x"))
	}
	for i := range 6 {
		c.add(time.Minute)
		mustWrite(t, path, fmt.Appendf(nil, "broken %d", i))
		mustClose(t, mustOpenAny(t, Options{Path: path, Now: c.Now}))
	}
	var texts []string
	for _, name := range asides(t, path) {
		if text := string(mustRead(t, name)); text != "x" {
			texts = append(texts, text)
		}
	}
	if fmt.Sprint(texts) != "[broken 3 broken 4 broken 5]" {
		t.Error(texts)
	}
	for _, name := range keep {
		mustRead(t, name)
	}
}
