package keystore

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// Repair accepts the loss that a *DamagedError tells of: it writes the damaged
// meta page anew from the sound one, so that the store opens again with the
// last change that the sound page knows. The report says what that change is,
// for people. No server may have the file open. A file with nothing to repair
// is not touched, and one with both pages damaged is an error.
func Repair(path string) (report string, err error) {
	report, err = repair(path)
	if err != nil {
		return "", fmt.Errorf("repair keystore %q: %w", path, err)
	}
	return report, nil
}

func repair(path string) (string, error) {
	if err := checkPlace(path); err != nil {
		return "", err
	}
	f, err := openLocked(Options{Path: path, LockTimeout: DefaultLockTimeout})
	if err != nil {
		return "", err
	}
	if f == nil {
		return "", errors.New("the file was replaced in the meantime; try again")
	}
	defer func() { _ = f.Close() }()
	problem, err := repairMeta(f)
	if err != nil {
		return "", err
	}
	if problem == "" {
		return "nothing to repair: both meta pages are sound", nil
	}
	last, err := lastChange(f)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; it was written anew from the other. The newest change that remains is %s: "+
		"repeat what was done after it, revokes first", problem, last), nil
}

// repairMeta writes the page that is damaged or out of date, and tells what was
// wrong with it.
func repairMeta(f *os.File) (problem string, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	metas, err := readMetas(f)
	if err != nil {
		return "", err
	}
	problem = checkMetas(metas)
	newest, _ := newestMeta(metas)
	switch {
	case problem == "":
		return "", nil
	case !newest.fits(info.Size()):
		return "", errors.New("the file is cut short; restore a backup")
	}
	off := int64(0)
	if newest == metas[0] {
		off = newest.pageSize
	}
	raw := newest.twin(off != 0)
	_, err = f.WriteAt(raw[:], off)
	return problem, errors.Join(err, f.Sync())
}

// lastChange describes the last audit record of the file.
func lastChange(f *os.File) (text string, err error) {
	db, err := openBolt(f)
	if err != nil {
		return "", err
	}
	text = "unknown (the audit records cannot be read)"
	s := &Store{path: f.Name()}
	err = s.guard("read", func() error {
		return db.View(func(tx *bolt.Tx) error {
			audit, meta := tx.Bucket(bucketAudit), tx.Bucket(bucketMeta)
			if audit == nil || checkFormat(meta, f.Name()) != nil {
				return nil
			}
			text = "the making of the store"
			if k, v := audit.Cursor().Last(); k != nil {
				text = describeChange(k, v, readFormat(meta))
			}
			return nil
		})
	})
	return text, errors.Join(err, db.Close())
}

func describeChange(key, value []byte, format uint32) string {
	if format == 1 {
		value = append(make([]byte, linkLength), value...)
	}
	rec, err := decodeAudit(key, value)
	if err != nil {
		return "unknown (its audit record cannot be read)"
	}
	what := rec.Action
	if rec.KeyID != "" {
		what += " of key " + rec.KeyID
	}
	return fmt.Sprintf("no. %d: %s at %s", rec.Seq, what, stamp(rec.At))
}
