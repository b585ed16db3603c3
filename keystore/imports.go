package keystore

import (
	"errors"
	"fmt"

	"github.com/oklog/ulid/v2"
)

// An import comes in as many calls, so that no transaction and no request is
// large, and yet happens whole or not at all. BeginImport notes it as pending;
// AddToImport stores records that name it, and that nobody sees, since reader
// asks arrived; FinishImport notes it as done, which is what all of them wait
// for. A pending one that the process left behind is removed by SweepImports.
//
// The state of an import in the file is one sealed byte, which stays for ever.
const (
	importPending = 1
	importDone    = 2
)

const tagImport = "keygate: import, 1"

// errPending: the record belongs to an import that is not finished, and is to
// everybody as if it were not there.
var errPending = fmt.Errorf("%w: its import is not finished", ErrUnknownKey)

// ErrNoImport: the import is not under way, or is another caller's. It was
// finished, aborted, replaced after a pause, or the server was restarted.
var ErrNoImport = errors.New("no such import is under way; nothing of it is left, begin again")

// ImportError tells that an import cannot begin, or not be finished, as things are.
type ImportError struct{ Problem string }

func (e *ImportError) Error() string { return "import: " + e.Problem }

// admit is errPending for a record that does not count, which is one of an
// import that is not finished. Where it is not known whether it was, the record
// is as good as damaged.
func (r *reader) admit(rec *Record) error {
	if rec.Import == "" {
		return nil
	}
	id, _ := parseID(rec.Import)
	switch r.importState(id) {
	case importDone:
		return nil
	case importPending:
		return errPending
	}
	return &damagedRecord{id: rec.ID, reason: errors.New("what became of its import cannot be read")}
}

// arrived reports whether a record counts.
func (r *reader) arrived(rec *Record) bool { return r.admit(rec) == nil }

// importState is 0 where there is none, or none that can be believed.
func (r *reader) importState(id ulid.ULID) byte {
	if r.imports == nil {
		return 0
	}
	value := r.imports.Get(id[:])
	if len(value) != 1+tagLength || !r.hasher.sealed(value[1:], tagImport, id[:], value[:1]) {
		return 0
	}
	return value[0]
}

func (w *writer) putImportState(id ulid.ULID, state byte) error {
	if err := w.readyForImport(id); err != nil {
		return err
	}
	tag := w.hasher.tag(tagImport, id[:], []byte{state})
	return w.imports.Put(id[:], append([]byte{state}, tag...))
}

// readyForImport makes sure that the page which a change of a state will change is
// in order: see rebuild.go.
func (w *writer) readyForImport(id ulid.ULID) error {
	ordered, err := w.store.areInOrder(w.imports, are(id[:]), true)
	if err != nil || ordered {
		return err
	}
	entries, err := sorted(w.imports)
	if err != nil {
		return err
	}
	w.imports, err = refill(w.imports.Tx(), bucketImports, entries)
	return err
}

// pendingImports lists the imports that are pending in the file.
func (r *reader) pendingImports() (pending []ulid.ULID) {
	c := r.imports.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if len(k) == len(ulid.ULID{}) && r.importState(ulid.ULID(k)) == importPending {
			pending = append(pending, ulid.ULID(k))
		}
	}
	return pending
}
