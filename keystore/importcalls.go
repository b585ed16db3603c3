package keystore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	// ImportPause is how long after its last call an import is taken for
	// abandoned, and makes room for another.
	ImportPause = time.Minute

	// MaxImportLines is how many lines an import may have. It bounds the memory
	// of a dry run.
	MaxImportLines = 5_000_000
)

// underway is the import that is under way in this process. Store.importing
// guards it.
type underway struct {
	id     ulid.ULID
	dryRun bool
	actor  string
	last   time.Time // of its last call
	lines  int
	bad    int   // lines
	failed error // a call that could not store what it was given

	held   []held    // what is not in the file yet
	lastID ulid.ULID // the last that was minted

	// What the lines had that is not in the file: all of a dry run, and of
	// another what is held, and what came after the first bad line, since it can
	// only be aborted.
	digests map[Digest]struct{}
	ids     map[ulid.ULID]struct{}

	indexed bool    // that the index of ids is whole has been seen to
	place   *Record // account and workspace of the keys, where all have the same; nil before the first
}

func (u *underway) abandoned(now time.Time) bool { return now.Sub(u.last) > ImportPause }

// rehearses reports whether lines are judged, and not stored.
func (u *underway) rehearses() bool { return u.dryRun || u.bad > 0 }

// BeginImport begins an import, of which there can be one at a time: an
// *ImportError tells that another is under way, unless that has had no call for
// ImportPause; then it is aborted. A dry run stores nothing. The id is for the
// other calls, which are the same actor's.
//
// Nobody sees a key of an import until FinishImport has returned: a check
// finds it unknown, it is neither listed nor counted nor found by its id. Its
// digest counts as present, though.
func (s *Store) BeginImport(dryRun bool, by By) (id string, err error) {
	if err := by.check(); err != nil {
		return "", err
	}
	s.importing.Lock()
	defer s.importing.Unlock()
	now := s.Now()
	if s.underway != nil && !s.underway.abandoned(now) {
		return "", &ImportError{"another one is under way, and there can be one at a time; it makes room a minute after its last call"}
	}
	if err := s.removeUnfinished(context.Background()); err != nil {
		return "", err
	}
	u := &underway{dryRun: dryRun, actor: by.Actor, digests: map[Digest]struct{}{}, ids: map[ulid.ULID]struct{}{}}
	if u.id, err = newID(now, ulid.ULID{}); err != nil {
		return "", err
	}
	if !dryRun {
		err = s.apply(by, func(w *writer) (err error) {
			if u.lastID, err = w.newID(); err != nil {
				return err
			}
			return w.putImportState(u.id, importPending)
		})
	}
	if err != nil {
		return "", err
	}
	u.last = s.Now()
	s.underway = u
	return u.id.String(), nil
}

// theImport is the one under way, if a caller means it.
func (s *Store) theImport(id string, by By) (*underway, error) {
	if s.underway == nil || s.underway.id.String() != id || s.underway.actor != by.Actor {
		return nil, ErrNoImport
	}
	return s.underway, nil
}

// AddToImport takes lines of an import, in as many calls as the caller likes. It
// returns those that are bad, each with its number and what is wrong with it;
// from the first one on the others are still judged, but the import can only be
// aborted. It is bad, too, if its digest is present in the store or in an
// earlier line, in whatever state, or if its id is. After an error the import
// can only be aborted as well.
func (s *Store) AddToImport(id string, lines []ImportLine, rights ImportRights, by By) (bad []BadLine, err error) {
	s.importing.Lock()
	defer s.importing.Unlock()
	u, err := s.theImport(id, by)
	switch {
	case err != nil:
		return nil, err
	case u.failed != nil:
		return nil, u.failed
	case u.lines+len(lines) > MaxImportLines:
		return nil, &ImportError{fmt.Sprintf("has more than %d lines; split the file, and import the parts one after the other", MaxImportLines)}
	}
	defer func() { u.last = s.Now() }()
	for part := range slices.Chunk(lines, s.bounds.records) {
		found, err := s.addPart(u, part, rights, by)
		if err != nil {
			u.failed = err
			return nil, err
		}
		bad = append(bad, found...)
	}
	slices.SortStableFunc(bad, func(a, b BadLine) int { return a.Number - b.Number })
	return bad, nil
}

// FinishImport makes all keys of an import work, or none: in one transaction it
// is noted as done, with the audit record "import". From the moment it has
// returned every key of it works. An import with a bad line is an *ImportError,
// and so is one without a line. After an error that is not a refusal, whether
// it was finished is not known: ask again. Of a dry run it tells what the
// count would be.
func (s *Store) FinishImport(id string, by By) (count int, err error) {
	s.importing.Lock()
	defer s.importing.Unlock()
	u, err := s.theImport(id, by)
	switch {
	case err != nil:
		return 0, err
	case u.bad > 0:
		return 0, &ImportError{fmt.Sprintf("%d of %d lines are bad; nothing of it is imported unless all are good", u.bad, u.lines)}
	case u.failed != nil:
		return 0, u.failed
	case u.lines == 0:
		return 0, &ImportError{"has no line"}
	}
	u.last = s.Now()
	if !u.dryRun {
		err = s.finish(u, by)
	}
	if err != nil {
		return 0, err
	}
	s.underway = nil
	return u.lines, nil
}

// finish stores what is held, and then makes all of it count.
func (s *Store) finish(u *underway, by By) error {
	if err := s.flush(u, by); err != nil {
		u.failed = err
		return err
	}
	err := s.apply(by, func(w *writer) error { return w.finish(u) })
	s.noteImported(err)
	return err
}

// finish makes the import count. It may be that an earlier attempt did, and then
// failed to say so.
func (w *writer) finish(u *underway) error {
	switch w.importState(u.id) {
	case importPending:
	case importDone:
		return nil
	default:
		return fmt.Errorf("the state of import %s is damaged; abort it and begin again", u.id)
	}
	w.arrives = true
	if err := w.putImportState(u.id, importDone); err != nil {
		return err
	}
	if err := w.putMeta(metaImported, []byte{1}); err != nil {
		return err
	}
	return w.log("import", u.place, nil, fields{"import": u.id.String(), "keys": strconv.Itoa(u.lines)})
}

// noteImported makes Lookup look for keys from elsewhere from now on. After an
// error the file may have them, or not.
func (s *Store) noteImported(err error) {
	if err == nil || s.isImported() {
		s.imported.Store(true)
	}
}

// isImported reads the flag from the file. When in doubt it is set.
func (s *Store) isImported() bool {
	imported := true
	err := s.view(func(tx *reader) error {
		value, err := tx.metaValue(metaImported)
		imported = len(value) != 1 || value[0] != 0
		return err
	})
	return imported || err != nil
}

// AbortImport removes what an import has stored, in bounded transactions. After
// an error a part may be left, which nobody sees, and which the next
// BeginImport or SweepImports removes. One that was finished is an *ImportError.
func (s *Store) AbortImport(id string, by By) error {
	s.importing.Lock()
	defer s.importing.Unlock()
	u, err := s.theImport(id, by)
	if err != nil {
		return err
	}
	finished := false // by a call that failed to say so
	err = s.view(func(tx *reader) error {
		finished = tx.importState(u.id) == importDone
		return nil
	})
	s.underway = nil
	switch {
	case err != nil:
		return err
	case finished:
		return &ImportError{"was finished; its keys work"}
	}
	return s.removeUnfinished(context.Background())
}

// SweepImports removes what is left of an import that was not finished: of one
// that the process before this one had under way, or that was abandoned. It is
// to be called after the start, and now and then. While an import is under way
// it does nothing, and where there is nothing to remove it costs nothing.
func (s *Store) SweepImports(ctx context.Context) error {
	s.importing.Lock()
	defer s.importing.Unlock()
	if s.underway != nil && !s.underway.abandoned(s.Now()) {
		return nil
	}
	return s.removeUnfinished(ctx)
}
