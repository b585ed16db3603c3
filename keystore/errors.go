package keystore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

var (
	// ErrUnknownKey: no key has this text. Lookup returns it, and it is a denial.
	ErrUnknownKey = errors.New("unknown key")

	// ErrCorruptRecord: the stored record fails its integrity check, or is of a
	// version or permission that this program does not know. It is a denial.
	ErrCorruptRecord = errors.New("the stored record of this key is damaged")

	// ErrWrongPepper: the store was made with another pepper, with none, or
	// without one. Open returns it.
	ErrWrongPepper = errors.New("wrong pepper")

	// ErrActorEnded: the key that asks for a change has ended, was disabled or has
	// less permission since it was let in.
	ErrActorEnded = errors.New("the key that asks for this works no more")

	// ErrClosed: the store was closed before or during the call.
	ErrClosed = errors.New("the keystore is closed")
)

// InvalidError refuses a value that a caller gave. Field is its name as the
// admin API spells it.
type InvalidError struct{ Field, Problem string }

func (e *InvalidError) Error() string { return e.Field + ": " + e.Problem }

// NotFoundError tells that no key has this id.
type NotFoundError struct{ ID string }

// Error shows the id only if it has the shape of one: people paste keys where
// an id is wanted.
func (e *NotFoundError) Error() string {
	if !validID(e.ID) {
		return "no key with that id; `keygate keys list` shows them"
	}
	return fmt.Sprintf("no key %s; `keygate keys list` shows them", e.ID)
}

// RepeatedError tells that a call with the same NewKey.Once or Rotation.Once was
// made before: it made the key ID, whose text is not shown again.
type RepeatedError struct{ ID string }

func (e *RepeatedError) Error() string {
	return fmt.Sprintf("this call was made before and made key %s, whose text is not shown again", e.ID)
}

// ExistsError tells that there is a key already where NewKey.IfAbsent wants none.
type ExistsError struct{ Record *Record }

func (e *ExistsError) Error() string { return fmt.Sprintf("key %s exists already", e.Record.ID) }

// ConflictError tells that a key is not, or no more, as the caller believed: see
// Change.IfRevision.
type ConflictError struct{ ID, Revision string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("key %s was changed in the meantime; read it again and decide anew", e.ID)
}

// RefusedError tells that the key exists and that its state does not allow the
// change.
type RefusedError struct{ ID, Problem string }

func (e *RefusedError) Error() string { return fmt.Sprintf("key %s %s", e.ID, e.Problem) }

// LockedError tells that another process owns the file. Holder names it, such
// as "keygate (pid 1234)", or is empty where the system does not tell.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another process"
	}
	return fmt.Sprintf("open keystore %q: in use by %s; stop it first, or give this server a store.path of its own "+
		"(`keygate keys` and `keygate explain` need no file: they ask the running server)", e.Path, holder)
}

// FormatError tells that the file was written by a newer keygate. The file was
// not touched.
type FormatError struct {
	Path         string
	Found, Known uint32
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("open keystore %q: format %d is newer than this keygate knows (%d); the file was not touched; "+
		"run the newer keygate, or restore a backup from before the upgrade", e.Path, e.Found, e.Known)
}

// DamagedError tells that a meta page of the file fails its check, so that the
// last change, perhaps a revoke, may be missing. The file was not touched.
// Repair accepts the loss.
type DamagedError struct{ Path, Problem string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("open keystore %q: %s, so the last change (perhaps a revoke) may be lost; restore a backup, "+
		"or accept the loss with `keygate store repair -c FILE --accept-loss`", e.Path, e.Problem)
}

// fullError wraps the system's refusal of a write for want of room. It is
// syscall.ENOSPC to errors.Is whichever limit was met: disk, quota, file size.
type fullError struct {
	path string
	err  error
}

func (e *fullError) Error() string {
	return fmt.Sprintf("no room to write %q: nothing was changed, and checks go on; free some space and try again: %v", e.path, e.err)
}

func (e *fullError) Unwrap() error        { return e.err }
func (e *fullError) Is(target error) bool { return target == syscall.ENOSPC }

// isFull reports whether err is one of the system's ways to say "no room".
// bbolt keeps only the text of an error that it met while growing the file.
func isFull(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, func(full error) bool {
		return errors.Is(err, full) || strings.HasPrefix(err.Error(), "file ") && strings.HasSuffix(err.Error(), full.Error())
	})
}

// quote shows what a caller typed in an error, bounded, and never a key.
func quote(s string) string {
	if holdsKey(s) {
		return "that (it holds a key's text)"
	}
	const most = 40
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
