package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	fileMode = 0o600

	// createTries bounds the attempts to publish a new file: each can lose its
	// temporary file to another process that tidies up.
	createTries = 5

	// staleAfter is the age from which a temporary file belongs to a dead start.
	staleAfter = time.Minute
)

// createFile makes the file of a new store, whole or not at all: a temporary
// file in the same folder is filled and synced, then published with link(2),
// which, unlike rename(2), never replaces a file that another first start has
// published. Which of the two won does not matter to the caller.
func createFile(o Options, h *hasher) (err error) {
	folder, base := filepath.Split(o.Path)
	if folder == "" {
		folder = "."
	}
	removeStale(folder, base)
	for range createTries {
		if err = publish(o, h, folder, base); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err != nil && isFull(err) {
		return &fullError{path: o.Path, err: err}
	}
	return err
}

// publish tries once; os.ErrNotExist means that the temporary file vanished.
func publish(o Options, h *hasher, folder, base string) error {
	temp, err := os.CreateTemp(folder, tempPattern(base))
	if err != nil {
		return err
	}
	name := temp.Name()
	defer func() { _ = os.Remove(name) }()
	if err := errors.Join(temp.Chmod(fileMode), temp.Close()); err != nil {
		return err
	}
	if err := initialise(name, o, h); err != nil {
		return err
	}
	if err := os.Link(name, o.Path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("publish the new file (the file system must know hard links): %w", err)
	}
	return syncFolder(folder)
}

func tempPattern(base string) string { return "." + base + ".new-*" }

// initialise fills an empty file with the buckets and values of a new store.
// bbolt syncs it before Update returns.
func initialise(name string, o Options, h *hasher) error {
	db, err := bolt.Open(name, fileMode, &bolt.Options{Timeout: o.LockTimeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return fill(tx, o, h) })
	return errors.Join(err, db.Close())
}

func fill(tx *bolt.Tx, o Options, h *hasher) error {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	w := &writer{reader: &reader{hasher: h}}
	for _, b := range []namedBucket{{bucketMeta, &w.meta}, {bucketKeys, &w.keys}, {bucketIDs, &w.ids}, {bucketAudit, &w.audit}} {
		bucket, err := tx.CreateBucket(b.name)
		if err != nil {
			return err
		}
		*b.into = bucket
	}
	if err := w.makeBuckets(tx); err != nil {
		return err
	}
	return errors.Join(
		w.meta.Put([]byte(metaFormat), encodeFormat(fileFormat)),
		w.meta.Put([]byte(metaPepper), encodePepper(h)),
		w.putMeta(metaStoreID, id[:]),
		w.putMeta(metaImported, []byte{0}),
		w.putMeta(metaTimeMark, encodeMark(o.Clock())),
	)
}

// removeStale removes temporary files that dead starts left: old ones that
// nobody holds a lock on. A failure is of no consequence.
func removeStale(folder, base string) {
	names, _ := filepath.Glob(filepath.Join(globQuote(folder), globQuote("."+base+".new-")+"*"))
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > staleAfter {
			removeUnlocked(name)
		}
	}
}

func removeUnlocked(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		_ = os.Remove(name)
	}
}

// globQuote takes the meaning from the characters that filepath.Match knows.
func globQuote(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c == '*' || c == '?' || c == '[' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(out)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
