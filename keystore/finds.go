package keystore

import (
	"bytes"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
)

// The bucket finds answers questions about many keys without a walk over all of
// them. Its entries have no value; each ends with the id that it leads to:
//
//	a account 0 id                 the keys of an account, by creation
//	w account 0 workspace 0 id     the keys of a workspace, by creation
//	l account 0 workspace 0 label "id" 0 id   who has this label there
//	m id id                        the keys that a key made
//	r end id                       rotated keys that end once they are unused, by the end of the overlap
//
// Like ids it is not sealed: nothing is believed that the record does not
// confirm, and what ends keys in the name of security walks over the records.
const (
	findAccount   = 'a'
	findWorkspace = 'w'
	findLabel     = 'l'
	findMade      = 'm'
	findRetiring  = 'r'
)

// findKinds are all of these, as they rise.
var findKinds = []byte{findAccount, findLabel, findMade, findRetiring, findWorkspace}

// accountFind begins the entries of an account.
func accountFind(account string) []byte { return joinFind(findAccount, account) }

// workspaceFind begins the entries of a workspace.
func workspaceFind(account, workspace string) []byte {
	return joinFind(findWorkspace, account, workspace)
}

// labelFind begins the entries of a label "id" in a workspace.
func labelFind(account, workspace, value string) []byte {
	return joinFind(findLabel, account, workspace, value)
}

// joinFind ends each part with a NUL, which none of them can hold.
func joinFind(kind byte, parts ...string) []byte {
	size := 1 + len(parts) + len(ulid.ULID{})
	for _, part := range parts {
		size += len(part)
	}
	b := append(make([]byte, 0, size), kind) // with room for the id
	for _, part := range parts {
		b = append(append(b, part...), 0)
	}
	return b
}

func madeFind(maker ulid.ULID) []byte { return append([]byte{findMade}, maker[:]...) }

// retiringFind begins the entries of the keys whose overlap ends at a time.
func retiringFind(end time.Time) []byte { return appendTime([]byte{findRetiring}, end) }

// retiringLength is the length of such an entry.
const retiringLength = 1 + 8 + 16

// findsOf lists the entries that a record shall have.
func findsOf(rec *Record) [][]byte {
	if rec == nil {
		return nil
	}
	id, ok := parseID(rec.ID)
	if !ok {
		return nil
	}
	found := [][]byte{
		append(accountFind(rec.Account), id[:]...),
		append(workspaceFind(rec.Account, rec.Workspace), id[:]...),
	}
	if value := rec.Labels[LabelID]; value != "" {
		found = append(found, append(labelFind(rec.Account, rec.Workspace, value), id[:]...))
	}
	if maker, ok := parseID(rec.MadeBy()); ok {
		found = append(found, append(madeFind(maker), id[:]...))
	}
	if rec.RetireUnused > 0 && rec.RevokedAt.IsZero() {
		found = append(found, append(retiringFind(rec.ExpiresAt), id[:]...))
	}
	return found
}

// changedFinds lists the entries that a change of a record removes, and adds.
func changedFinds(before, after *Record) (gone, added [][]byte) {
	old, wanted := findsOf(before), findsOf(after)
	return without(old, wanted), without(wanted, old)
}

func without(list, others [][]byte) (rest [][]byte) {
	for _, entry := range list {
		if !containsFind(others, entry) {
			rest = append(rest, entry)
		}
	}
	return rest
}

func containsFind(list [][]byte, entry []byte) bool {
	return slices.ContainsFunc(list, func(b []byte) bool { return bytes.Equal(b, entry) })
}

// refind brings the entries of a record from what they were to what they shall
// be. The record is in keys already.
func (w *writer) refind(before, after *Record) error {
	gone, added := changedFinds(before, after)
	ordered, err := w.store.areInOrder(w.finds, are(slices.Concat(gone, added)...), len(gone) > 0)
	switch {
	case err != nil:
		return err
	case !ordered:
		return w.rebuildFinds()
	}
	for _, entry := range gone {
		if err := w.finds.Delete(entry); err != nil {
			return err
		}
	}
	for _, entry := range added {
		if err := w.finds.Put(entry, nil); err != nil {
			return err
		}
	}
	return nil
}

// isFound reports whether every entry of a record is there.
func (r *reader) isFound(rec *Record) bool {
	for _, entry := range findsOf(rec) {
		if r.finds.Get(entry) == nil {
			return false
		}
	}
	return true
}

// each calls visit with the id at the end of each entry that begins with prefix, in
// order, until visit returns false.
func (r *reader) each(prefix []byte, visit func(ulid.ULID) (more bool, err error)) error {
	c := r.finds.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if len(k) != len(prefix)+len(ulid.ULID{}) {
			continue
		}
		if more, err := visit(ulid.ULID(k[len(prefix):])); err != nil || !more {
			return err
		}
	}
	return nil
}

// rebuildFinds makes the bucket anew from the records.
func (w *writer) rebuildFinds() (err error) {
	var entries []entry
	c := w.keys.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		rec, err := w.open(k, v)
		if err != nil {
			continue
		}
		for _, find := range findsOf(rec) {
			entries = append(entries, entry{k: find})
		}
	}
	slices.SortFunc(entries, byKey)
	w.finds, err = refill(w.keys.Tx(), bucketFinds, entries)
	return err
}
