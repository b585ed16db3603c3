package keystore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
)

// A record in the file, version 1, all numbers big-endian:
//
//	offset  bytes
//	0       1      version: 1
//	1       16     id
//	17      1      permission: 1 read, 2 write, 3 full
//	18      1      flags: bit 0 disabled, the others zero
//	19      8      created, ms since 1970
//	27      8      expires, ms since 1970; 0 never
//	35      8      revoked, ms since 1970; 0 not
//	43      16     replaces: an id, or zeros
//	59      16     replaced by: an id, or zeros
//	75             prefix, last 4, account, workspace, name: each two bytes of length, and text
//
// There is one encoding per record, and decoding accepts nothing else. A field
// more means another version; an unknown version is refused, never guessed at.
const (
	recordVersion = 1
	flagDisabled  = 1
	fixedLength   = 75
	idOffset      = 1
)

var errRecord = errors.New("record")

// appendRecord encodes rec. The record must be valid; what decodeRecord would
// refuse is an error here already.
func appendRecord(b []byte, rec *Record) ([]byte, error) {
	id, okID := parseID(rec.ID)
	replaces, okR := parseLink(rec.Replaces)
	replacedBy, okB := parseLink(rec.ReplacedBy)
	if !okID || !okR || !okB {
		return nil, fmt.Errorf("encode %w: an id is malformed", errRecord)
	}
	start := len(b)
	b = append(b, recordVersion)
	b = append(b, id[:]...)
	b = append(b, byte(rec.Permission), flags(rec))
	b = appendTime(b, rec.CreatedAt)
	b = appendTime(b, rec.ExpiresAt)
	b = appendTime(b, rec.RevokedAt)
	b = append(append(b, replaces[:]...), replacedBy[:]...)
	for _, s := range []string{rec.Prefix, rec.Last4, rec.Account, rec.Workspace, rec.Name} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	if _, err := decodeRecord(b[start:]); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
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

// decodeRecord reads exactly what appendRecord writes. On any error the record
// is nil.
func decodeRecord(b []byte) (*Record, error) {
	if len(b) < fixedLength {
		return nil, fmt.Errorf("%w: cut short", errRecord)
	}
	if b[0] != recordVersion {
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
	rest, ok := readStrings(b[fixedLength:], &rec.Prefix, &rec.Last4, &rec.Account, &rec.Workspace, &rec.Name)
	if !ok || len(rest) != 0 || b[18]&^flagDisabled != 0 {
		return nil, fmt.Errorf("%w: malformed", errRecord)
	}
	if err := rec.check(); err != nil {
		return nil, err
	}
	return rec, nil
}

// check refuses values that no change of this program can have written. The
// name is not judged by unicode.IsPrint: its tables grow from one Go release
// to the next, and a name must not break a key.
func (r *Record) check() error {
	bad := ""
	switch {
	case !r.Permission.Valid():
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
	case !validScope(r.Account) || !validScope(r.Workspace):
		bad = "malformed account or workspace"
	case r.Name == "" || !utf8.ValidString(r.Name) || utf8.RuneCountInString(r.Name) > MaxName:
		bad = "malformed name"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", errRecord, bad)
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
