package keystore

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The names in the meta bucket.
const (
	metaFormat   = "format"
	metaPepper   = "pepper"
	metaStoreID  = "store_id"
	metaTimeMark = "time_mark"
	metaImported = "imported"
	metaAnchor   = "audit_anchor"
	metaPrefix   = "prefix:"
)

func encodeFormat(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func encodePepper(h *hasher) []byte {
	kind := byte(0)
	if h.peppered {
		kind = 1
	}
	return append([]byte{kind}, h.check[:]...)
}

// encodeMark rounds up to whole microseconds: the mark is never behind a time
// that was given out.
func encodeMark(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.Add(time.Microsecond-1).UnixMicro()))
}

func decodeMark(b []byte) time.Time { return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() }

// metaValues is what Open learns from the meta bucket.
type metaValues struct {
	storeID  string
	mark     time.Time
	imported bool
	prefixes []string
}

// checkFormat refuses what this program must not touch.
func checkFormat(meta *bolt.Bucket, path string) error {
	if meta == nil {
		return errForeign
	}
	value := meta.Get([]byte(metaFormat))
	if len(value) != 4 {
		return errForeign
	}
	switch found := binary.BigEndian.Uint32(value); {
	case found > fileFormat:
		return &FormatError{Path: path, Found: found, Known: fileFormat}
	case found == 0:
		return fmt.Errorf("format %d is none that keygate ever wrote: the file is damaged; restore a backup", found)
	}
	return nil
}

// readFormat reads what checkFormat has accepted.
func readFormat(meta *bolt.Bucket) uint32 {
	return binary.BigEndian.Uint32(meta.Get([]byte(metaFormat)))
}

// checkPepper compares the pepper with the one that the store was made with.
func (r *reader) checkPepper() error {
	value := r.meta.Get([]byte(metaPepper))
	want := encodePepper(r.hasher)
	if len(value) != len(want) || value[0] > 1 {
		return fmt.Errorf("the value %q is damaged; restore a backup", metaPepper)
	}
	switch made := value[0] == 1; {
	case made && !r.hasher.peppered:
		return fmt.Errorf("%w: the store was made with a pepper; name its file in store.pepper_file", ErrWrongPepper)
	case !made && r.hasher.peppered:
		return fmt.Errorf("%w: the store was made without a pepper, and none can be added; leave store.pepper_file empty", ErrWrongPepper)
	case subtle.ConstantTimeCompare(value, want) != 1:
		return fmt.Errorf("%w: the store was made with another one; find the file it was made with", ErrWrongPepper)
	}
	return nil
}

// values reads the sealed values.
func (r *reader) values() (v metaValues, err error) {
	id, err1 := r.sized(metaStoreID, 16)
	mark, err2 := r.sized(metaTimeMark, 8)
	imported, err3 := r.sized(metaImported, 1)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return metaValues{}, err
		}
	}
	v = metaValues{
		storeID:  fmt.Sprintf("%x", id),
		mark:     decodeMark(mark),
		imported: imported[0] != 0,
	}
	v.prefixes, err = r.minted()
	return v, err
}

func (r *reader) sized(name string, size int) ([]byte, error) {
	value, err := r.metaValue(name)
	if err == nil && len(value) != size {
		err = fmt.Errorf("the value %q is missing or damaged; restore a backup", name)
	}
	return value, err
}

// minted lists the prefixes that the store has used. It walks over all names
// and refuses one that this format does not have: a prefix whose entry went by
// another name would be missed by nobody but the holders of its keys.
func (r *reader) minted() (prefixes []string, err error) {
	err = r.meta.ForEach(func(k, v []byte) error {
		name := string(k)
		prefix, found := strings.CutPrefix(name, metaPrefix)
		if !found {
			return knownName(name)
		}
		if _, err := r.unseal(name, v); err != nil {
			return err
		}
		prefixes = append(prefixes, prefix)
		return nil
	})
	slices.Sort(prefixes)
	return slices.Compact(prefixes), err
}

func knownName(name string) error {
	switch name {
	case metaFormat, metaPepper, metaStoreID, metaTimeMark, metaImported, metaAnchor:
		return nil
	}
	return fmt.Errorf("the value %s is none that format %d has: the file is damaged; restore a backup", quote(name), fileFormat)
}
