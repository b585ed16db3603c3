package keystore

import "fmt"

// errPending: the record belongs to an import that is not finished, and is to
// everybody as if it were not there.
var errPending = fmt.Errorf("%w: its import is not finished", ErrUnknownKey)

// The states of an import in the file: one sealed byte.
const (
	importPending = 1
	importDone    = 2
)

const tagImport = "keygate: import, 1"

// arrived reports whether a record counts: it was made here, or its import was
// finished.
func (r *reader) arrived(rec *Record) bool {
	if rec.Import == "" {
		return true
	}
	id, ok := parseID(rec.Import)
	if !ok || r.imports == nil {
		return false
	}
	value := r.imports.Get(id[:])
	return len(value) == 1+tagLength && value[0] == importDone && r.hasher.sealed(value[1:], tagImport, id[:], value[:1])
}
