package keystore

import (
	"slices"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"
)

// importBatch is how many records one transaction of an import stores at most.
const importBatch = 20_000

// addPart judges lines, and stores their keys if all have been good so far.
func (s *Store) addPart(u *underway, lines []ImportLine, rights ImportRights, by By) (bad []BadLine, err error) {
	good, bad := s.checkLines(u, lines, rights, by)
	u.lines += len(lines)
	u.bad += len(bad)
	var found []BadLine
	if u.rehearses() {
		err = s.view(func(tx *reader) error {
			good, found = tx.absent(u, good)
			return nil
		})
		u.remember(good)
	} else {
		err = s.store(u, by, good, &found)
	}
	u.bad += len(found)
	return append(bad, found...), err
}

// checkLines turns lines into records, as far as they are good by themselves.
func (s *Store) checkLines(u *underway, lines []ImportLine, rights ImportRights, by By) (good []*arrival, bad []BadLine) {
	c := lineCheck{
		hasher: s.hasher, prefixes: *s.prefixes.Load(), importID: u.id.String(), rights: rights, by: by, now: s.Now(),
	}
	good = make([]*arrival, 0, len(lines))
	for i := range lines {
		a, problem := c.check(&lines[i])
		if problem != nil {
			bad = append(bad, *problem)
			continue
		}
		u.stands(a.rec)
		good = append(good, a)
	}
	return good, bad
}

// stands notes where the keys are.
func (u *underway) stands(rec *Record) {
	switch {
	case u.place == nil:
		u.place = &Record{Account: rec.Account, Workspace: rec.Workspace}
	case u.place.Account != rec.Account || u.place.Workspace != rec.Workspace:
		u.place = &Record{} // in several
	}
}

// remember keeps what is not in the file.
func (u *underway) remember(good []*arrival) {
	for _, a := range good {
		u.digests[a.digest] = struct{}{}
		if a.given() {
			u.ids[a.id] = struct{}{}
		}
	}
}

// absent parts the keys that are nowhere yet from the lines that repeat one.
func (r *reader) absent(u *underway, batch []*arrival) (fresh []*arrival, bad []BadLine) {
	digests, ids := make(map[Digest]struct{}, len(batch)), map[ulid.ULID]struct{}{}
	for _, a := range batch {
		problem := r.presence(u, a, digests, ids)
		if problem != nil {
			bad = append(bad, *problem)
			continue
		}
		digests[a.digest] = struct{}{}
		if a.given() {
			ids[a.id] = struct{}{}
		}
		fresh = append(fresh, a)
	}
	return fresh, bad
}

func (r *reader) presence(u *underway, a *arrival, digests map[Digest]struct{}, ids map[ulid.ULID]struct{}) *BadLine {
	has := func(in map[Digest]struct{}) bool { _, ok := in[a.digest]; return ok }
	hasID := func(in map[ulid.ULID]struct{}) bool { _, ok := in[a.id]; return ok && a.given() }
	value := r.keys.Get(a.digest[:])
	switch {
	case has(digests) || has(u.digests) || value != nil && r.broughtBy(u, a.digest, value):
		return &BadLine{a.number, a.field, "stands in an earlier line too"}
	case value != nil:
		return &BadLine{a.number, a.field, "is in the store already; a key can be there once, in whatever state"}
	case hasID(ids) || hasID(u.ids) || a.given() && r.ids.Get(a.id[:]) != nil:
		return &BadLine{a.number, "id", "is that of another key"}
	}
	return nil
}

func (r *reader) broughtBy(u *underway, d Digest, value []byte) bool {
	rec, err := r.open(d[:], value)
	return err == nil && rec.Import == u.id.String()
}

// store is one transaction of an import.
func (s *Store) store(u *underway, by By, batch []*arrival, bad *[]BadLine) error {
	if !u.indexed && slices.ContainsFunc(batch, (*arrival).given) {
		if err := s.mendIndex(); err != nil {
			return err
		}
		u.indexed = true
	}
	return s.apply(by, func(w *writer) (err error) {
		var fresh []*arrival
		fresh, *bad = w.absent(u, batch)
		return w.bring(fresh)
	})
}

// mendIndex makes sure that an id which is not in the index is no key's, before
// a line brings it.
func (s *Store) mendIndex() error {
	_, err := s.Census()
	if err != nil || s.unindexed.Load() == 0 {
		return err
	}
	if err := s.apply(By{}, (*writer).rebuildIndex); err != nil {
		return err
	}
	s.unindexed.Store(0)
	return nil
}

// bring stores new records. bbolt is much faster when keys come in order.
func (w *writer) bring(batch []*arrival) error {
	if err := w.mint(batch); err != nil {
		return err
	}
	records, err := w.sealAll(batch)
	if err != nil {
		return err
	}
	ids, finds := entriesOf(batch)
	if err := w.readyFor(records, ids, 1); err != nil {
		return err
	}
	for _, part := range []struct {
		bucket  *bolt.Bucket
		entries []entry
	}{{w.keys, records}, {w.ids, ids}, {w.finds, finds}} {
		for _, e := range part.entries {
			if err := part.bucket.Put(e.k, e.v); err != nil {
				return err
			}
		}
	}
	return nil
}

// mint gives ids to those that have none, in the order of the lines, behind all
// that there are.
func (w *writer) mint(batch []*arrival) (err error) {
	key, _ := w.ids.Cursor().Last()
	last := idOrZero(key)
	for _, a := range batch {
		if a.given() && a.id.Compare(last) > 0 {
			last = a.id
		}
	}
	for _, a := range batch {
		if a.given() {
			continue
		}
		if last, err = newID(w.now, last); err != nil {
			return err
		}
		a.id, a.rec.ID = last, last.String()
	}
	return nil
}

// sealAll encodes records, in the order of their digests.
func (w *writer) sealAll(batch []*arrival) ([]entry, error) {
	records := make([]entry, 0, len(batch))
	for _, a := range batch {
		encoded, err := appendRecord(nil, a.rec)
		if err != nil {
			return nil, err
		}
		tag := w.hasher.tag(tagRecord, a.digest[:], encoded)
		records = append(records, entry{a.digest[:], append(encoded, tag...)})
	}
	slices.SortFunc(records, byKey)
	return records, nil
}

// entriesOf are the entries of new records in ids and finds, in order.
func entriesOf(batch []*arrival) (ids, finds []entry) {
	for _, a := range batch {
		ids = append(ids, entry{a.id[:], a.digest[:]})
		for _, find := range findsOf(a.rec) {
			finds = append(finds, entry{k: find})
		}
	}
	slices.SortFunc(ids, byKey)
	slices.SortFunc(finds, byKey)
	return ids, finds
}

// readyFor makes sure that the pages which entries will change are in order, and
// so many pages on either side.
func (w *writer) readyFor(records, ids []entry, pages int) error {
	switch {
	case !allInOrder(w.keys, records, pages, w.goodKey):
		return w.rebuildKeys()
	case !allInOrder(w.ids, ids, pages, w.goodEntry):
		return w.rebuildIndex()
	}
	return nil
}
