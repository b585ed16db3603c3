package usage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

const fileMode = 0o600

// ready makes sure that there is a file to write to, and that it is the one at
// the path. The caller holds r.flushing.
func (r *Recorder) ready() error {
	if f := r.file.Load(); f != nil {
		if f.usable() && isAt(f.f, r.path) {
			return nil
		}
		r.log.Warn("the usage file is broken, or was deleted or replaced; it is opened anew", slog.String("path", r.path))
		_ = r.leave() // it is lost already
	}
	f, m, err := r.open()
	if err != nil {
		return fmt.Errorf("open usage %q: %w", r.path, err)
	}
	r.joined.Lock()
	defer r.joined.Unlock()
	r.watch.adopt(m)
	r.file.Store(f)
	return nil
}

var (
	errHeld  = errors.New("another process holds it")
	errMoved = errors.New("it was moved aside")
)

// open opens the file at the path, or begins one, if need be after what is
// there was moved aside.
func (r *Recorder) open() (f *file, m marks, err error) {
	for range 2 {
		if f, m, err = r.openOrMove(); !errors.Is(err, errMoved) {
			break
		}
	}
	return f, m, err
}

func (r *Recorder) openOrMove() (*file, marks, error) {
	f, fresh, err := r.openFile()
	if err != nil {
		return nil, marks{}, err
	}
	m, empty, err := f.readMarks()
	if err != nil {
		return nil, marks{}, errors.Join(r.moveAside(err), f.release())
	}
	if !empty {
		return f, m, nil
	}
	m = r.watch.fresh(r.millis())
	if err := f.fill(m); err != nil {
		if fresh {
			_ = f.f.Truncate(0) // better nothing than half of it
		}
		return nil, marks{}, errors.Join(err, f.release())
	}
	return f, m, nil
}

// openFile opens and locks the file, and makes it if there is none: fresh. A
// file that bbolt must not see is moved aside while it is locked.
func (r *Recorder) openFile() (_ *file, fresh bool, err error) {
	if info, err := os.Stat(r.path); err == nil && !info.Mode().IsRegular() {
		return nil, false, errors.New("not a regular file")
	}
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE, fileMode)
	if errors.Is(err, fs.ErrPermission) && exists(r.path) {
		return nil, false, r.moveAside(err)
	}
	if err != nil {
		return nil, false, err
	}
	size, err := lock(f, r.path)
	switch {
	case err != nil:
	case size == 0:
		err = r.room(r.path)
	default:
		if problem := checkPages(f, size, keySet{all: true}); problem != nil {
			err = r.moveAside(problem)
		}
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	db, err := openBolt(f)
	if errors.Is(err, errBroken) {
		err = r.moveAside(err)
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close()) // once more, if bbolt did
	}
	return &file{path: r.path, f: f, db: db}, size == 0, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// lock takes the lock that bbolt takes, so that the file can be read before
// bbolt opens it, and gives its size.
func lock(f *os.File, path string) (size int64, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, errHeld
	}
	if err != nil {
		return 0, fmt.Errorf("lock: %w", err)
	}
	if !isAt(f, path) {
		return 0, errors.New("it was replaced just now")
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// openBolt opens bbolt over the locked file. It writes to an empty file only.
func openBolt(f *os.File) (db *bolt.DB, err error) {
	within := &file{path: f.Name()}
	err = within.guard(func() error {
		db, err = bolt.Open(f.Name(), fileMode, &bolt.Options{
			FreelistType: bolt.FreelistMapType,
			NoStatistics: true, // a lock that every look-up would take
			OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	return db, err
}

// marks are the values of the meta bucket, in ms since 1970.
type marks struct{ begun, since, alive int64 }

// fill makes the buckets of a fresh file.
func (f *file) fill(m marks) error {
	t, err := f.begin(true)
	if err != nil {
		return err
	}
	err = f.guard(func() error {
		for _, name := range [][]byte{bucketMeta, bucketKeys, bucketPast} {
			if _, err := t.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		if err := t.enter(); err != nil {
			return err
		}
		return errors.Join(
			t.meta.Put([]byte("format"), binary.BigEndian.AppendUint32(nil, fileFormat)),
			t.meta.Put([]byte("begun"), encodeMillis(m.begun)),
			t.putMarks(m),
		)
	})
	if err != nil {
		return errors.Join(err, f.guard(t.Rollback))
	}
	_, err = f.commit(t)
	return err
}

// putMarks stores what changes with each transaction.
func (t *transaction) putMarks(m marks) error {
	return errors.Join(t.meta.Put([]byte("since"), encodeMillis(m.since)), t.meta.Put([]byte("alive"), encodeMillis(m.alive)))
}

func encodeMillis(ms int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(ms)) }

// readMarks reads the meta bucket; an error tells that the file is not ours, or
// of a format that this program does not know. A file without any bucket is
// empty: its first start was cut short.
func (f *file) readMarks() (m marks, empty bool, err error) {
	err = f.view(func(t *transaction) error {
		if first, _ := t.Cursor().First(); first == nil {
			empty = true
			return nil
		}
		if err := t.enter(); err != nil {
			return err
		}
		return m.decode(t.meta)
	})
	return m, empty, err
}

var errForeign = errors.New("it is not a usage file")

func (m *marks) decode(meta *bolt.Bucket) error {
	if v := meta.Get([]byte("format")); len(v) != 4 || binary.BigEndian.Uint32(v) != fileFormat {
		return errors.New("its format is not known to this keygate")
	}
	for name, into := range map[string]*int64{"begun": &m.begun, "since": &m.since, "alive": &m.alive} {
		v := meta.Get([]byte(name))
		if len(v) != 8 {
			return errForeign
		}
		if *into = int64(binary.BigEndian.Uint64(v)); *into <= 0 || *into > maxMillis {
			return errors.New("a time in it cannot be")
		}
	}
	return nil
}
