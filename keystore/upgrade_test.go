package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// inBolt changes a closed file behind the store's back.
func inBolt(t testing.TB, path string, change func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, fileMode, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func formatOf(t testing.TB, path string) (format uint32, buckets int) {
	t.Helper()
	inBolt(t, path, func(tx *bolt.Tx) error {
		format = readFormat(tx.Bucket(bucketMeta))
		return tx.ForEach(func([]byte, *bolt.Bucket) error { buckets++; return nil })
	})
	return format, buckets
}

// downgrade turns a closed file into one of format 1. What format 1 cannot say
// must not be in it.
func downgrade(t testing.TB, path string, pepper []byte) {
	t.Helper()
	h := newHasher(pepper)
	inBolt(t, path, func(tx *bolt.Tx) error {
		var records, audits []entry
		_ = tx.Bucket(bucketKeys).ForEach(func(k, v []byte) error {
			rec, err := decodeRecord(v[:len(v)-tagLength])
			if err != nil {
				return err
			}
			old := version1(rec)
			records = append(records, entry{bytes.Clone(k), append(old, h.tag(tagRecord, k, old)...)})
			return nil
		})
		_ = tx.Bucket(bucketAudit).ForEach(func(k, v []byte) error {
			audits = append(audits, entry{bytes.Clone(k), bytes.Clone(v[linkLength:])})
			return nil
		})
		sequence := tx.Bucket(bucketAudit).Sequence()
		_, err1 := refill(tx, bucketKeys, records)
		audit, err2 := refill(tx, bucketAudit, audits)
		errs := []error{err1, err2, audit.SetSequence(sequence), tx.Bucket(bucketMeta).Put([]byte(metaFormat), encodeFormat(1))}
		for _, name := range [][]byte{bucketFinds, bucketOnce, bucketOnces, bucketImports} {
			errs = append(errs, tx.DeleteBucket(name))
		}
		return errors.Join(errs...)
	})
}

// TestUpgrade: a file of format 1 is one of this format as soon as it was opened;
// its records stay as they are until they change.
func TestUpgrade(t *testing.T) {
	want := readFixture(t, "format1")
	path := copyFixture(t, fixturePath("format1.db"))
	o := Options{Path: path, Clock: func() time.Time { return want.Now }}
	s := mustOpen(t, o)
	r := mustVerify(t, s, nil)
	if n := uint64(len(want.Audit)); r.Count != n || r.First != 1 || r.Head.Seq != n {
		t.Errorf("%+v of %d records", r, n)
	}
	version := func(id string) (v byte) {
		_ = s.view(func(tx *reader) error {
			raw, _ := parseID(id)
			v = tx.keys.Get(tx.ids.Get(raw[:]))[0]
			return nil
		})
		return v
	}
	id := want.Keys[0].Record.ID
	if version(id) != 1 {
		t.Errorf("version %d before a change", version(id))
	}
	mustUpdate(t, s, id, Change{Labels: map[string]*string{"a": ptr("b")}})
	if version(id) != 2 || s.AuditHead().Seq != r.Head.Seq+1 {
		t.Errorf("version %d after a change, head %s", version(id), s.AuditHead())
	}
	if got := walk(t, s, Filter{Account: "acme", Workspace: "docs"}, 1); len(got) != 1 || got[0] != id {
		t.Errorf("by workspace: %v", got)
	}
	checkWhole(t, s)
	mustClose(t, s)
	if format, buckets := formatOf(t, path); format != fileFormat || buckets != 8 {
		t.Errorf("format %d, %d buckets", format, buckets)
	}
	mustVerify(t, mustOpen(t, o), &r.Head)
}

// TestUpgradeRefused: what is refused is not touched.
func TestUpgradeRefused(t *testing.T) {
	path := copyFixture(t, fixturePath("format1-pepper.db"))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, pepper := range [][]byte{nil, bytes.Repeat([]byte("x"), MinPepper)} {
		if _, err := Open(Options{Path: path, Pepper: pepper}); !errors.Is(err, ErrWrongPepper) {
			t.Errorf("%v", err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was touched, or %v", err)
	}
}

// TestUpgradeWholeOrNotAtAll: a failure in the middle leaves a file of format 1,
// which can be opened when its cause is gone.
func TestUpgradeWholeOrNotAtAll(t *testing.T) {
	path := copyFixture(t, fixturePath("format1.db"))
	odd := []byte("odd")
	inBolt(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketAudit).Put(odd, odd) })
	if s, err := Open(Options{Path: path}); err == nil {
		mustClose(t, s)
		t.Fatal("opened")
	}
	if format, buckets := formatOf(t, path); format != 1 || buckets != 4 {
		t.Errorf("format %d, %d buckets", format, buckets)
	}
	inBolt(t, path, func(tx *bolt.Tx) error { return tx.Bucket(bucketAudit).Delete(odd) })
	want := readFixture(t, "format1")
	s := mustOpen(t, Options{Path: path, Clock: func() time.Time { return want.Now }})
	if got := allAudit(t, s); len(got) != len(want.Audit) {
		t.Errorf("%d audit records", len(got))
	}
	checkWhole(t, s)
}

// childUpgrades opens a file, again and again.
func childUpgrades(path string) error {
	fmt.Println("open")
	for {
		s, err := Open(Options{Path: path})
		if err != nil {
			return err
		}
		fmt.Println("opened")
		if err := s.Close(); err != nil {
			return err
		}
	}
}

// TestUpgradeUnderKill: killed at any moment, the file is of one format or the
// other, whole.
func TestUpgradeUnderKill(t *testing.T) {
	made := newPath(t)
	s := mustOpen(t, Options{Path: made})
	s.db.NoSync = true
	for range 400 {
		mustCreate(t, s, NewKey{})
	}
	mustClose(t, s)
	downgrade(t, made, nil)
	before := 0
	for range kills(t) {
		path := copyFixture(t, made)
		killed(t, "upgrade", path)
		format, buckets := formatOf(t, path)
		switch {
		case format == 1 && buckets == 4:
			before++
		case format != fileFormat || buckets != 8:
			t.Errorf("format %d with %d buckets", format, buckets)
		}
		s := mustOpen(t, Options{Path: path})
		if r := mustVerify(t, s, nil); r.Count != 400 {
			t.Errorf("%+v", r)
		}
		checkWhole(t, s)
		mustClose(t, s)
	}
	t.Logf("%d of %d were killed before", before, kills(t))
}

// TestResetClockOfFormat1 upgrades on the way.
func TestResetClockOfFormat1(t *testing.T) {
	want := readFixture(t, "format1")
	path := copyFixture(t, fixturePath("format1.db"))
	at := want.Now.Add(-time.Hour)
	o := Options{Path: path, Clock: func() time.Time { return at }}
	was, is, err := ResetClock(o, By{})
	if err != nil || !was.Equal(want.Now) || !is.Equal(at) {
		t.Errorf("%s, %s, %v", was, is, err)
	}
	s := mustOpen(t, o)
	if r := mustVerify(t, s, nil); r.Count != uint64(len(want.Audit))+1 || lastAudit(t, s).Action != "reset-clock" {
		t.Errorf("%+v", r)
	}
}

// TestRepairOfFormat1 tells of its last change, and leaves the format as it is.
func TestRepairOfFormat1(t *testing.T) {
	path := copyFixture(t, fixturePath("format1.db"))
	f := openRaw(t, path)
	metas, err := readMetas(f)
	if err != nil {
		t.Fatal(err)
	}
	older := int64(0)
	if newest, _ := newestMeta(metas); newest == metas[0] {
		older = newest.pageSize
	}
	flip(t, f, 3, older+metaStart+40)
	unopened(t, Options{Path: path}, "keygate store repair")
	want := readFixture(t, "format1")
	last := want.Audit[len(want.Audit)-1]
	report, err := Repair(path)
	if err != nil || !strings.Contains(report, fmt.Sprintf("no. %d: %s of key %s", last.Seq, last.Action, last.KeyID)) {
		t.Errorf("%q, %v", report, err)
	}
	if format, _ := formatOf(t, path); format != 1 {
		t.Errorf("format %d", format)
	}
	checkWhole(t, mustOpen(t, Options{Path: path}))
}
