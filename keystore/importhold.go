package keystore

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// held is a record of an import, as the file will have it.
type held struct {
	digest Digest
	id     ulid.ULID
	value  []byte   // with its tag
	finds  [][]byte // that lead to it
}

// addPart judges lines, and keeps their keys if all have been good so far.
func (s *Store) addPart(u *underway, lines []ImportLine, rights ImportRights, by By) (bad []BadLine, err error) {
	good, bad := s.checkLines(u, lines, rights, by)
	if err := s.lookAhead(u, good); err != nil {
		return nil, err
	}
	err = s.view(func(tx *reader) error {
		var found []BadLine
		good, found = tx.absent(u, good)
		bad = append(bad, found...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	u.lines += len(lines)
	if u.bad += len(bad); u.rehearses() {
		u.held = nil
		return bad, nil
	}
	if err := u.mint(good, s.Now()); err != nil {
		return nil, err
	}
	if err := u.hold(s.hasher, good); err != nil {
		return nil, err
	}
	if len(u.held) >= s.bounds.held {
		err = s.flush(u, by)
	}
	return bad, err
}

// checkLines turns lines into records, as far as they are good by themselves.
func (s *Store) checkLines(u *underway, lines []ImportLine, rights ImportRights, by By) (good []*arrival, bad []BadLine) {
	c := lineCheck{
		hasher: s.hasher, prefixes: *s.prefixes.Load(), importID: u.id.String(), rights: rights, by: by, now: s.Now().Truncate(time.Millisecond),
	}
	arrivals, problems := make([]*arrival, len(lines)), make([]error, len(lines))
	inParallel(len(lines), func(i int) { arrivals[i], problems[i] = c.check(&lines[i]) })
	for i, a := range arrivals {
		err := problems[i]
		if err == nil && rights.May != nil {
			err = rights.May(a.rec)
		}
		if err != nil {
			bad = append(bad, badLine(lines[i].Number, err))
			continue
		}
		u.stands(a.rec)
		good = append(good, a)
	}
	return good, bad
}

// inParallel calls do for 0 to n-1, on all processors.
func inParallel(n int, do func(int)) {
	var all sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		all.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers; i++ {
				do(i)
			}
		})
	}
	all.Wait()
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

// lookAhead makes sure, before the first line that brings an id, that an id
// which is not in the index is no key's.
func (s *Store) lookAhead(u *underway, batch []*arrival) error {
	if u.indexed || !slices.ContainsFunc(batch, (*arrival).given) {
		return nil
	}
	if _, err := s.Census(); err != nil {
		return err
	}
	if s.unindexed.Load() > 0 {
		if err := s.apply(By{}, (*writer).rebuildIndex); err != nil {
			return err
		}
		s.unindexed.Store(0)
	}
	u.indexed = true
	return nil
}

// absent parts the keys that are nowhere yet, which the import remembers, from
// the lines that repeat one.
func (r *reader) absent(u *underway, batch []*arrival) (fresh []*arrival, bad []BadLine) {
	for _, a := range batch {
		if problem := r.presence(u, a); problem != nil {
			bad = append(bad, *problem)
			continue
		}
		u.digests[a.digest] = struct{}{}
		if a.given() {
			u.ids[a.id] = struct{}{}
		}
		fresh = append(fresh, a)
	}
	return fresh, bad
}

func (r *reader) presence(u *underway, a *arrival) *BadLine {
	_, digestHeld := u.digests[a.digest]
	_, idHeld := u.ids[a.id]
	value := r.keys.Get(a.digest[:])
	switch {
	case digestHeld || value != nil && r.broughtBy(u, a.digest, value):
		return &BadLine{a.number, a.field, "stands in an earlier line too"}
	case value != nil:
		return &BadLine{a.number, a.field, "is in the store already; a key can be there once, in whatever state"}
	case idHeld || a.given() && r.ids.Get(a.id[:]) != nil:
		return &BadLine{a.number, "id", "is that of another key"}
	}
	return nil
}

func (r *reader) broughtBy(u *underway, d Digest, value []byte) bool {
	rec, err := r.open(d[:], value)
	return err == nil && rec.Import == u.id.String()
}

// mint gives ids to those that have none, in the order of the lines, behind all
// that there were when the import began.
func (u *underway) mint(batch []*arrival, now time.Time) (err error) {
	last := u.lastID
	for _, a := range batch {
		if a.given() && a.id.Compare(last) > 0 {
			last = a.id
		}
	}
	for _, a := range batch {
		if a.given() {
			continue
		}
		if last, err = newID(now, last); err != nil {
			return err
		}
		a.id, a.rec.ID = last, last.String()
	}
	u.lastID = last
	return nil
}

// hold seals records, and keeps them for the next flush.
func (u *underway) hold(h *hasher, batch []*arrival) error {
	sealed, errs := make([]held, len(batch)), make([]error, len(batch))
	inParallel(len(batch), func(i int) {
		a := batch[i]
		sealed[i] = held{digest: a.digest, id: a.id, finds: findsOf(a.rec)}
		sealed[i].value, errs[i] = h.seal(a.digest, a.rec)
	})
	u.held = append(u.held, sealed...)
	return firstOf(errs)
}

func firstOf(errs []error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// seal encodes a record for its place, with its tag.
func (h *hasher) seal(d Digest, rec *Record) ([]byte, error) {
	encoded, err := appendRecord(make([]byte, 0, recordSize(rec)+tagLength), rec)
	if err != nil {
		return nil, err
	}
	return append(encoded, h.tag(tagRecord, d[:], encoded)...), nil
}

// recordSize is how many bytes appendRecord appends: many are held at once.
func recordSize(rec *Record) int {
	size := fixedLength + 1
	for _, s := range []string{rec.Prefix, rec.Last4, rec.Account, rec.Workspace, rec.Name, rec.CreatedBy} {
		size += 2 + len(s)
	}
	for name, value := range rec.Labels {
		size += 4 + len(name) + len(value)
	}
	return size
}

// flush stores what is held, in the order in which it stands in the file, so
// that each page is written once and not once for each of its records: first
// the records, and then what leads to them, which nobody follows yet.
func (s *Store) flush(u *underway, by By) error {
	slices.SortFunc(u.held, func(a, b held) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	for part := range slices.Chunk(u.held, s.bounds.records) {
		records := make([]entry, len(part))
		for i := range part {
			records[i] = entry{part[i].digest[:], part[i].value}
		}
		if err := s.apply(by, func(w *writer) error { return w.bring(manyEntries{records: records}) }); err != nil {
			return err
		}
	}
	if err := s.flushIndexes(u.held, by); err != nil {
		return err
	}
	u.held, u.digests, u.ids = nil, map[Digest]struct{}{}, map[ulid.ULID]struct{}{} // they are in the file
	return nil
}

// flushIndexes stores the entries of ids, and then those of finds, kind by kind:
// in memory they would take more than the records.
func (s *Store) flushIndexes(records []held, by By) error {
	entries := make([]entry, 0, len(records))
	for i := range records {
		entries = append(entries, entry{records[i].id[:], records[i].digest[:]})
	}
	err := s.flushEntries(entries, by, func(part []entry) manyEntries { return manyEntries{ids: part} })
	for _, kind := range findKinds {
		entries = entries[:0]
		for i := range records {
			for _, find := range records[i].finds {
				if find[0] == kind {
					entries = append(entries, entry{k: find})
				}
			}
		}
		if err == nil {
			err = s.flushEntries(entries, by, func(part []entry) manyEntries { return manyEntries{finds: part} })
		}
	}
	return err
}

func (s *Store) flushEntries(entries []entry, by By, of func([]entry) manyEntries) error {
	slices.SortFunc(entries, byKey)
	for part := range slices.Chunk(entries, s.bounds.entries) {
		if err := s.apply(by, func(w *writer) error { return w.bring(of(part)) }); err != nil {
			return err
		}
	}
	return nil
}
