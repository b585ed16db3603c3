package keystore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// What makes a text too easily guessed to be imported: fewer bytes than
// minImportText, or fewer different ones than minDistinct. A key that keygate
// mints has 256 random bits. People import what they have, and so the bound is
// what nobody would call a key.
const (
	minImportText = 16
	minDistinct   = 5
)

const (
	algorithmPlain    = "sha256:"
	algorithmPeppered = "hmac-sha256:"
)

// PepperID tells digests of one pepper from those of another. It is "" without
// a pepper, and says nothing about the pepper itself.
func (s *Store) PepperID() string { return s.hasher.pepperID() }

func (h *hasher) pepperID() string {
	if !h.peppered {
		return ""
	}
	return hex.EncodeToString(h.check[:8])
}

// digestText is a digest as identifyDigest reads it.
func (h *hasher) digestText(d Digest) string {
	if h.peppered {
		return algorithmPeppered + hex.EncodeToString(d[:])
	}
	return algorithmPlain + hex.EncodeToString(d[:])
}

// ImportRights say what the caller of AddToImport may.
type ImportRights struct {
	Operator bool                // lines may make operator keys
	Makers   bool                // lines may say who made a key; without it whoever imports did
	May      func(*Record) error // refuses what is outside the caller's scope; nil refuses nothing
}

// arrival is a key that a line brings.
type arrival struct {
	number int    // of the line
	field  string // what the line names it by
	digest Digest
	id     ulid.ULID // zero until one is minted
	rec    *Record
}

// given reports whether the line brings the id as well.
func (a *arrival) given() bool { return a.id != ulid.ULID{} }

// lineCheck turns lines into records.
type lineCheck struct {
	hasher   *hasher
	prefixes []string
	importID string
	rights   ImportRights
	by       By
	now      time.Time
}

// check judges all about a line that needs no look at the store.
func (c *lineCheck) check(l *ImportLine) (*arrival, error) {
	a := &arrival{number: l.Number, rec: &Record{Import: c.importID, Disabled: l.Disabled}}
	for _, step := range []func(*ImportLine, *arrival) error{
		c.identify, c.takeID, c.describe, c.date, c.link,
	} {
		if err := step(l, a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// badLine makes a BadLine of a refusal. Of an error of another kind nothing is shown.
func badLine(number int, err error) BadLine {
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		return BadLine{number, invalid.Field, invalid.Problem}
	}
	return BadLine{Number: number, Problem: "is refused"}
}

func invalid(field, problem string, args ...any) error {
	return &InvalidError{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// identify finds the digest, and what may be shown of the text.
func (c *lineCheck) identify(l *ImportLine, a *arrival) error {
	text := l.Key.Reveal()
	switch {
	case text == "" && l.Digest == "":
		return invalid("key", "must be given, or a digest of it")
	case text != "" && (l.Digest != "" || l.PepperID != ""):
		return invalid("digest", "must not be given beside the key itself")
	case text != "":
		return c.identifyText(l, a, text)
	}
	if l.Prefix != "" && !ValidPrefix(l.Prefix) {
		return invalid("prefix", "must be 1-12 characters of a-z 0-9 and an underscore")
	}
	if l.Last4 != "" && (len(l.Last4) != 4 || !isToken(l.Last4)) {
		return invalid("last4", "must be the last 4 characters of the key")
	}
	a.field, a.rec.Prefix, a.rec.Last4 = "digest", l.Prefix, l.Last4
	return c.identifyDigest(l, a)
}

func (c *lineCheck) identifyText(l *ImportLine, a *arrival, text string) error {
	switch {
	case len(text) > maxText:
		return invalid("key", "is longer than %d bytes", maxText)
	case !isBearer(text):
		return invalid("key", "holds a character that a Bearer header cannot carry: it can A-Z a-z 0-9 - . _ ~ + / and = at the end")
	case len(text) < minImportText:
		return invalid("key", "is shorter than %d characters: whoever tries could guess it; issue a new one instead", minImportText)
	case !distinct(text, minDistinct):
		return invalid("key", "has fewer than %d different characters: whoever tries could guess it; issue a new one instead", minDistinct)
	}
	last := text[len(text)-4:]
	if l.Last4 != "" && l.Last4 != last {
		return invalid("last4", "is not what the key ends with")
	}
	prefix := c.prefixOf(text)
	if l.Prefix != "" {
		rest, found := strings.CutPrefix(text, l.Prefix)
		if !found || !ValidPrefix(l.Prefix) || len(rest) < minImportText {
			return invalid("prefix", "must be 1-12 characters of a-z 0-9 and an underscore, with which the key begins and %d or more follow", minImportText)
		}
		prefix = l.Prefix
	}
	if l.mentions(text) {
		return invalid("key", "stands in another field too, which would be kept in clear")
	}
	a.field, a.digest = "key", c.hasher.digest(text)
	a.rec.Prefix, a.rec.Last4 = prefix, last
	return nil
}

// prefixOf finds a prefix only where it is known to be one: what stands in front
// of some underscore may be a good part of somebody's secret.
func (c *lineCheck) prefixOf(text string) string {
	for _, prefix := range c.prefixes {
		if strings.HasPrefix(text, prefix) && len(text)-len(prefix) >= minImportText {
			return prefix
		}
	}
	if soundText(text) {
		prefix, _ := splitText(text)
		return prefix
	}
	return ""
}

// isBearer reports whether a text is a b64token of RFC 6750, which is what a
// check hands to Lookup.
func isBearer(text string) bool {
	body := strings.TrimRight(text, "=")
	return body != "" && isToken(body) && !strings.Contains(body, "=")
}

func distinct(text string, least int) bool {
	var seen [256]bool
	for i := 0; i < len(text) && least > 0; i++ {
		if !seen[text[i]] {
			seen[text[i]] = true
			least--
		}
	}
	return least == 0
}

// mentions reports whether the line has the text elsewhere too.
func (l *ImportLine) mentions(text string) bool {
	for _, f := range importTexts {
		if strings.Contains(*f.of(l), text) {
			return true
		}
	}
	for name, value := range l.Labels {
		if strings.Contains(name, text) || strings.Contains(value, text) {
			return true
		}
	}
	return false
}

func (c *lineCheck) identifyDigest(l *ImportLine, a *arrival) error {
	plain, isPlain := strings.CutPrefix(l.Digest, algorithmPlain)
	peppered, isPeppered := strings.CutPrefix(l.Digest, algorithmPeppered)
	switch {
	case isPlain && l.PepperID != "":
		return invalid("pepper_id", "belongs to a digest of %s alone", algorithmPeppered)
	case isPlain:
		sum, err := unhex(plain)
		a.digest = c.hasher.sealSum(sum)
		return err
	case !isPeppered:
		return foreignDigest(l.Digest)
	case !c.hasher.peppered:
		return invalid("digest", "was made with a pepper, and this store has none: only a store with the same pepper can find the key")
	case l.PepperID != c.hasher.pepperID():
		return invalid("pepper_id", "is not that of this store: only a store with the same pepper can find the key")
	}
	sum, err := unhex(peppered)
	a.digest = sum
	return err
}

func unhex(s string) (d Digest, err error) {
	if len(s) != hex.EncodedLen(len(d)) {
		return Digest{}, invalid("digest", "must have 64 hexadecimal digits")
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, invalid("digest", "must have 64 hexadecimal digits")
	}
	return d, nil
}

// sealSum is the digest of the text that has the SHA-256 sum.
func (h *hasher) sealSum(sum Digest) Digest {
	if !h.peppered {
		return sum
	}
	return h.hmac(sum)
}

// foreignDigests are kinds of digests that other systems keep, by how they begin.
var foreignDigests = []struct{ begin, kind string }{
	{"$2", "bcrypt"}, {"$argon2", "argon2"}, {"$scrypt", "scrypt"}, {"$7$", "scrypt"}, {"$pbkdf2", "pbkdf2"}, {"pbkdf2", "pbkdf2"},
	{"$1$", "md5crypt"}, {"$5$", "sha256crypt"}, {"$6$", "sha512crypt"}, {"$y$", "yescrypt"}, {"{SSHA", "salted SHA"},
	{"bcrypt", "bcrypt"}, {"argon2", "argon2"}, {"scrypt", "scrypt"},
	{"md5", "MD5"}, {"sha1", "SHA-1"}, {"sha224", "SHA-224"}, {"sha384", "SHA-384"}, {"sha512", "SHA-512"}, {"sha3", "SHA-3"}, {"blake", "BLAKE"},
}

// foreignDigest says why a digest of another kind is of no use.
func foreignDigest(digest string) error {
	if _, err := unhex(digest); err == nil {
		return invalid("digest", "does not say how it was made; write %s in front of it if it is the SHA-256 of the key's text", algorithmPlain)
	}
	kind := "of this kind"
	for _, f := range foreignDigests {
		if strings.HasPrefix(digest, f.begin) {
			kind = "made by " + f.kind
			break
		}
	}
	return invalid("digest", "%s cannot be used: a key is found by the SHA-256 of its text, as %s and 64 hexadecimal digits, "+
		"and no other digest can be turned into that; import the key itself, or issue a new one", kind, algorithmPlain)
}

// takeID checks the id that a line gives.
func (c *lineCheck) takeID(l *ImportLine, a *arrival) error {
	if l.ID == "" {
		return nil
	}
	id, ok := parseID(l.ID)
	switch {
	case !ok || id == ulid.ULID{}:
		return invalid("id", "is not an id: 26 upper-case characters, as keygate prints them")
	case ulid.Time(id.Time()).After(c.now):
		return invalid("id", "is of the future, by the time in it")
	}
	a.id, a.rec.ID = id, l.ID
	return nil
}

// describe checks name, permission, place and labels.
func (c *lineCheck) describe(l *ImportLine, a *arrival) (err error) {
	rec := a.rec
	if rec.Name, err = cleanName(l.Name); err != nil {
		return err
	}
	if rec.Permission, err = ParsePermission(l.Permission); err != nil || rec.Permission == Operator && !c.rights.Operator {
		if c.rights.Operator {
			return invalid("permission", "must be read, write, full or operator")
		}
		return invalid("permission", "must be read, write or full")
	}
	k := NewKey{Permission: rec.Permission, Account: l.Account, Workspace: l.Workspace}
	if rec.Account, rec.Workspace, err = k.scope(); err != nil {
		return err
	}
	for name := range l.Labels {
		if !validLabelName(name) {
			return invalid("labels", "a name must be 1-63 characters of A-Z a-z 0-9 . _ / - that begin with a letter or digit")
		}
	}
	rec.Labels, err = cleanLabels(l.Labels)
	return err
}

// date checks the times.
func (c *lineCheck) date(l *ImportLine, a *arrival) (err error) {
	if a.rec.CreatedAt, err = c.past("created_at", l.CreatedAt); err != nil {
		return err
	}
	if a.rec.CreatedAt.IsZero() {
		a.rec.CreatedAt = c.now
	}
	if a.rec.RevokedAt, err = c.past("revoked_at", l.RevokedAt); err != nil {
		return err
	}
	a.rec.ExpiresAt, err = c.expiry(l.ExpiresAt)
	return err
}

// past reads a time that must have come; zero if there is none.
func (c *lineCheck) past(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, ok := parseRFC3339(s)
	t = t.UTC().Truncate(time.Millisecond)
	switch {
	case !ok:
		return t, invalid(field, "must be an RFC 3339 time such as 2026-12-31T08:00:00Z")
	case t.UnixMilli() <= 0:
		return t, invalid(field, "is before 1970")
	case t.After(c.now):
		return t, invalid(field, "is in the future")
	}
	return t, nil
}

// expiry reads an end, which may have come.
func (c *lineCheck) expiry(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	e, err := ParseWhen(s)
	if err != nil {
		return time.Time{}, invalid("expires_at", `must be an RFC 3339 time such as 2026-12-31T08:00:00Z, a date, a duration such as 90d, or "never"`)
	}
	if e.IsNever() {
		return time.Time{}, nil
	}
	at := e.at
	if e.after != 0 {
		at = c.now.Add(e.after)
	}
	at = at.Truncate(time.Millisecond)
	switch {
	case e.after != 0 && e.after < MinLifetime:
		return at, invalid("expires_at", "is too soon; the shortest lifetime is %s", MinLifetime)
	case at.UnixMilli() <= 0:
		return at, invalid("expires_at", "is before 1970")
	case at.After(c.now.Add(MaxLifetime)):
		return at, invalid("expires_at", "is more than 100 years away")
	}
	return at, nil
}
