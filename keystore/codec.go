package keystore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
)

// A record in the file, version 2, all numbers big-endian:
//
//	offset  bytes
//	0       1      version: 2
//	1       16     id
//	17      1      permission: 1 read, 2 write, 3 full, 4 operator
//	18      1      flags: bit 0 disabled, the others zero
//	19      8      created, ms since 1970
//	27      8      expires, ms since 1970; 0 never
//	35      8      revoked, ms since 1970; 0 not
//	43      16     replaces: an id, or zeros
//	59      16     replaced by: an id, or zeros
//	75      16     import: an id, or zeros
//	91      8      retire when unused for, ms; 0 not
//	99             prefix, last 4, account, workspace, name, created by: each two bytes of length, and text
//	               labels: a byte, how many; of each its name and its value, like the texts above, by rising name
//
// Version 1 ends at the name and has none of import, retire, created by and
// labels; it is read and never written. There is one encoding per record and
// version, and decoding accepts nothing else. A field more means another
// version; an unknown version is refused, never guessed at.
const (
	recordVersion = 2
	flagDisabled  = 1
	fixedLength1  = 75
	fixedLength   = 99
	idOffset      = 1
	importOffset  = 75
)

var errRecord = errors.New("record")

// appendRecord encodes rec. The record must be valid; what decodeRecord would
// refuse is an error here already.
func appendRecord(b []byte, rec *Record) ([]byte, error) {
	id, okID := parseID(rec.ID)
	replaces, okR := parseLink(rec.Replaces)
	replacedBy, okB := parseLink(rec.ReplacedBy)
	batch, okI := parseLink(rec.Import)
	if !okID || !okR || !okB || !okI {
		return nil, fmt.Errorf("encode %w: an id is malformed", errRecord)
	}
	start := len(b)
	b = append(b, recordVersion)
	b = append(b, id[:]...)
	b = append(b, byte(rec.Permission), flags(rec))
	b = appendTime(b, rec.CreatedAt)
	b = appendTime(b, rec.ExpiresAt)
	b = appendTime(b, rec.RevokedAt)
	b = append(append(append(b, replaces[:]...), replacedBy[:]...), batch[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.RetireUnused.Milliseconds()))
	b = appendStrings(b, rec.Prefix, rec.Last4, rec.Account, rec.Workspace, rec.Name, rec.CreatedBy)
	b = appendLabels(b, rec.Labels)
	if _, err := decodeRecord(b[start:]); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}

func appendStrings(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	return b
}

func appendLabels(b []byte, labels map[string]string) []byte {
	b = append(b, byte(len(labels)))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b = appendStrings(b, name, labels[name])
	}
	return b
}

// zeroID would be taken for no link at all.
var zeroID = ulid.ULID{}.String()

func flags(rec *Record) byte {
	if rec.Disabled {
		return flagDisabled
	}
	return 0
}

func appendTime(b []byte, t time.Time) []byte {
	var ms int64
	if !t.IsZero() {
		ms = t.UnixMilli()
	}
	return binary.BigEndian.AppendUint64(b, uint64(ms))
}

// decodeRecord reads exactly what appendRecord writes, and version 1. On any
// error the record is nil.
func decodeRecord(b []byte) (*Record, error) {
	if len(b) < fixedLength1 || b[0] == recordVersion && len(b) < fixedLength {
		return nil, fmt.Errorf("%w: cut short", errRecord)
	}
	if b[0] != 1 && b[0] != recordVersion {
		return nil, fmt.Errorf("%w: unknown version %d", errRecord, b[0])
	}
	rec := &Record{
		ID:         ulid.ULID(b[idOffset:17]).String(),
		Permission: Permission(b[17]),
		Disabled:   b[18]&flagDisabled != 0,
		CreatedAt:  readTime(b[19:]),
		ExpiresAt:  readTime(b[27:]),
		RevokedAt:  readTime(b[35:]),
		Replaces:   readLink(b[43:59]),
		ReplacedBy: readLink(b[59:75]),
	}
	if !readRest(rec, b) || b[18]&^flagDisabled != 0 {
		return nil, fmt.Errorf("%w: malformed", errRecord)
	}
	if err := rec.check(b[0]); err != nil {
		return nil, err
	}
	return rec, nil
}

// readRest reads what stands behind the fields that both versions have.
func readRest(rec *Record, b []byte) bool {
	texts := []*string{&rec.Prefix, &rec.Last4, &rec.Account, &rec.Workspace, &rec.Name}
	if b[0] == 1 {
		rest, ok := readStrings(b[fixedLength1:], texts...)
		return ok && len(rest) == 0
	}
	retire := binary.BigEndian.Uint64(b[91:])
	if retire > uint64(MaxOverlap.Milliseconds()) {
		return false
	}
	rec.Import, rec.RetireUnused = readLink(b[importOffset:91]), time.Duration(retire)*time.Millisecond
	rest, ok := readStrings(b[fixedLength:], append(texts, &rec.CreatedBy)...)
	return ok && readLabels(rec, rest)
}

// readLabels reads the labels, which end the record.
func readLabels(rec *Record, b []byte) bool {
	if len(b) == 0 || int(b[0]) > MaxLabels {
		return false
	}
	count, rest := int(b[0]), b[1:]
	if count > 0 {
		rec.Labels = make(map[string]string, count)
	}
	before := ""
	for range count {
		var name, value string
		var ok bool
		if rest, ok = readStrings(rest, &name, &value); !ok || name <= before {
			return false
		}
		rec.Labels[name], before = value, name
	}
	return len(rest) == 0
}

// check refuses values that no change of this program can have written. The
// name is not judged by unicode.IsPrint: its tables grow from one Go release
// to the next, and a name must not break a key.
func (r *Record) check(version byte) error {
	bad := ""
	switch {
	case !r.Permission.Valid() || version == 1 && r.Permission == Operator:
		bad = fmt.Sprintf("unknown permission %d", r.Permission)
	case !validID(r.ID) || r.ID == zeroID:
		bad = "malformed id"
	case r.Replaces != "" && !validID(r.Replaces) || r.ReplacedBy != "" && !validID(r.ReplacedBy):
		bad = "malformed link"
	case !validTime(r.CreatedAt) || r.CreatedAt.IsZero():
		bad = "time of creation out of range"
	case !validTime(r.ExpiresAt) || !validTime(r.RevokedAt):
		bad = "expiry or time of revocation out of range"
	case r.Prefix != "" && !ValidPrefix(r.Prefix), len(r.Last4) > 4, !isToken(r.Last4):
		bad = "malformed prefix or last 4"
	case !r.scoped():
		bad = "malformed account or workspace"
	case !validActor(r.CreatedBy) || r.Import != "" && !validID(r.Import):
		bad = "malformed maker or import"
	case !validLabels(r.Labels):
		bad = "malformed labels"
	case r.Name == "" || !utf8.ValidString(r.Name) || utf8.RuneCountInString(r.Name) > MaxName:
		bad = "malformed name"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", errRecord, bad)
}

// scoped reports whether account and workspace are those that a key can have.
func (r *Record) scoped() bool {
	if r.Permission == Operator && (r.Account == "" || r.Workspace == "") {
		return r.Workspace == "" && (r.Account == "" || validScope(r.Account))
	}
	return validScope(r.Account) && validScope(r.Workspace)
}

// maxTime ends the range of times: the year 9999, as RFC 3339 has no more.
var maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)

func validTime(t time.Time) bool {
	return t.IsZero() || t.UnixMilli() > 0 && !t.After(maxTime) && t.Nanosecond()%1e6 == 0
}

func readTime(b []byte) time.Time {
	ms := int64(binary.BigEndian.Uint64(b))
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func parseLink(s string) (ulid.ULID, bool) {
	if s == "" {
		return ulid.ULID{}, true
	}
	id, ok := parseID(s)
	return id, ok && id != ulid.ULID{}
}

func readLink(b []byte) string {
	if id := ulid.ULID(b); id != (ulid.ULID{}) {
		return id.String()
	}
	return ""
}

func readStrings(b []byte, into ...*string) (rest []byte, ok bool) {
	for _, s := range into {
		if len(b) < 2 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < n {
			return nil, false
		}
		*s, b = string(b[:n]), b[n:]
	}
	return b, true
}

// isToken reports whether s holds only what a Bearer header can carry.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isBase62Byte(c), c == '-', c == '.', c == '_', c == '~', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return true
}
