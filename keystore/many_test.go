package keystore

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// spoilRecord changes a record without a trace.
func spoilRecord(t testing.TB, s *Store, rec *Record, change func(*Record)) {
	t.Helper()
	_, err := s.edit(rec.ID, By{}, func(_ *writer, rec *Record) (bool, error) {
		change(rec)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// makeMany stores records without audit records, in order of their ids, as fast
// as can be.
func makeMany(t testing.TB, s *Store, n int, change func(i int, rec *Record)) (ids []string) {
	t.Helper()
	const batch = 20_000
	for from := 0; from < n; from += batch {
		err := s.apply(By{}, func(w *writer) error {
			part, err := w.addMany(from, min(from+batch, n), change)
			ids = append(ids, part...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func (w *writer) addMany(from, to int, change func(i int, rec *Record)) (ids []string, err error) {
	var records, index, finds []entry
	last, _ := w.ids.Cursor().Last()
	id := idOrZero(last)
	for i := from; i < to; i++ {
		if id, err = newID(w.now, id); err != nil {
			return nil, err
		}
		rec := Record{ID: id.String(), Name: "n", Permission: Read, Account: "a", Workspace: "w", Prefix: "ant_", CreatedAt: w.now}
		change(i, &rec)
		digest := w.hasher.digest(fmt.Sprint("many ", id))
		encoded, err := appendRecord(nil, &rec)
		if err != nil {
			return nil, err
		}
		records = append(records, entry{digest[:], append(encoded, w.hasher.tag(tagRecord, digest[:], encoded)...)})
		index = append(index, entry{slices.Clone(id[:]), digest[:]})
		for _, find := range findsOf(&rec) {
			finds = append(finds, entry{k: find})
		}
		ids = append(ids, rec.ID)
	}
	slices.SortFunc(records, byKey)
	slices.SortFunc(finds, byKey)
	for _, e := range records {
		err = errors.Join(err, w.keys.Put(e.k, e.v))
	}
	for _, e := range index {
		err = errors.Join(err, w.ids.Put(e.k, e.v))
	}
	for _, e := range finds {
		err = errors.Join(err, w.finds.Put(e.k, nil))
	}
	return ids, err
}
