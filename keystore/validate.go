package keystore

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of what callers name, in characters.
const (
	MaxName   = 100
	MaxScope  = 63  // account and workspace
	MaxWho    = 200 // actor, claimed actor, request id
	MaxReason = 500
)

// defaultScope is the account and the workspace of a key that names none.
const defaultScope = "default"

// cleanName trims a name and refuses one that is empty, too long or not
// printable.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", &InvalidError{Field: "name", Problem: "must not be empty"}
	}
	return name, printable("name", name, MaxName)
}

// printable refuses text that would spoil a terminal, a log line or a page, and
// text that holds a key: it would be kept in clear.
func printable(field, s string, most int) error {
	problem := ""
	switch {
	case !utf8.ValidString(s):
		problem = "must be valid UTF-8"
	case utf8.RuneCountInString(s) > most:
		problem = fmt.Sprintf("must have at most %d characters", most)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		problem = "must hold printable characters only"
	case holdsKey(s):
		problem = "holds the text of a key; treat that key as leaked and revoke it"
	default:
		return nil
	}
	return &InvalidError{Field: field, Problem: problem}
}

// cleanScope checks an account or a workspace; empty means "default".
func cleanScope(field, s string) (string, error) {
	if s == "" {
		return defaultScope, nil
	}
	if !validScope(s) {
		return "", &InvalidError{Field: field, Problem: fmt.Sprintf(
			"must be 1-%d characters of A-Z a-z 0-9 . _ - and begin with a letter or digit", MaxScope)}
	}
	return s, printable(field, s, MaxScope) // the characters of a key all fit
}

// validScope is [A-Za-z0-9][A-Za-z0-9._-]{0,62}.
func validScope(s string) bool {
	if s == "" || len(s) > MaxScope || !isBase62Byte(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isBase62Byte(s[i]) && !strings.ContainsRune("._-", rune(s[i])) {
			return false
		}
	}
	return true
}

// By tells who changes something, for the audit record. Actor is proven: the
// peer of a socket as "uid:1000", or a key as "key:" and its id, and then
// Address is where it came from. Claimed, Reason and RequestID are the caller's
// word. Each may be empty, is printable, and has at most MaxWho characters,
// Reason MaxReason.
//
// A key that has ended, or was disabled, changes nothing any more: it is looked
// at again within the change, since it may have ended after the caller was let
// in. Permission is what the key had then; it must still have it. Zero is not
// compared.
type By struct {
	Actor, Address, Claimed, Reason, RequestID string
	Permission                                 Permission
	Scope                                      string // that the actor is bound to, for NewKey.Once; not recorded
}

// mustWork is ErrActorEnded if by is a key that may not change anything now.
func (r *reader) mustWork(by By, now time.Time) error {
	id, isKey := strings.CutPrefix(by.Actor, madeBy)
	if !isKey {
		return nil
	}
	raw, ok := parseID(id)
	if !ok {
		return ErrActorEnded
	}
	_, rec, err := r.indexed(raw, r.ids.Get(raw[:]))
	if err != nil || rec.Disabled || rec.Ended(now) || by.Permission != 0 && rec.Permission != by.Permission {
		return ErrActorEnded
	}
	return nil
}

func (b By) check() error {
	for _, f := range []struct {
		field, value string
		most         int
	}{
		{"actor", b.Actor, MaxWho}, {"address", b.Address, MaxWho}, {"claimed", b.Claimed, MaxWho},
		{"reason", b.Reason, MaxReason}, {"request_id", b.RequestID, MaxWho},
	} {
		if err := printable(f.field, f.value, f.most); err != nil {
			return err
		}
	}
	return nil
}
