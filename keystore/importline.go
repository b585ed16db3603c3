package keystore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxImportLine is the length of the longest line that ParseImportLine reads, in
// bytes. The longest that a key can need is a third of it.
const MaxImportLine = 64 << 10

// ImportLine is one key to import as its line has it: a JSON object with these
// names, or a row of a CSV file with them as columns. Empty is the same as
// absent. It is judged by AddToImport alone; what Export writes has all fields
// but Key.
type ImportLine struct {
	Number int // of the line in its file, from 1; not part of the line

	// The key, by one of the two.
	Key    Secret // "key": the text, 16-512 bytes that a Bearer header can carry
	Digest string // "digest": "sha256:" or "hmac-sha256:" and 64 hexadecimal digits

	PepperID   string            // "pepper_id": of the pepper in an hmac-sha256
	ID         string            // "id": "" mints one
	Name       string            // "name"
	Permission string            // "permission"
	Account    string            // "account": "" = "default"
	Workspace  string            // "workspace": "" = "default"
	Prefix     string            // "prefix": found out where Key is a key of keygate
	Last4      string            // "last4": taken from Key if there is one
	CreatedAt  string            // "created_at": RFC 3339; "" = now
	CreatedBy  string            // "created_by": "" = who imports, or with an ID nobody
	ExpiresAt  string            // "expires_at": as ParseWhen, and may have passed; "" = never
	RevokedAt  string            // "revoked_at": RFC 3339; "" = not revoked
	Disabled   bool              // "disabled"
	Labels     map[string]string // "labels": an object; in CSV "a=1,b=2"
	Replaces   string            // "replaces": an id
	ReplacedBy string            // "replaced_by": an id; with an ExpiresAt

	RetireUnused string // "retire_when_unused": a duration; with a ReplacedBy
}

// importTexts are the fields that hold a text, by name, in the order in which
// people are told of them and Export writes them.
var importTexts = []struct {
	name string
	of   func(*ImportLine) *string
}{
	{"digest", func(l *ImportLine) *string { return &l.Digest }},
	{"pepper_id", func(l *ImportLine) *string { return &l.PepperID }},
	{"id", func(l *ImportLine) *string { return &l.ID }},
	{"name", func(l *ImportLine) *string { return &l.Name }},
	{"permission", func(l *ImportLine) *string { return &l.Permission }},
	{"account", func(l *ImportLine) *string { return &l.Account }},
	{"workspace", func(l *ImportLine) *string { return &l.Workspace }},
	{"prefix", func(l *ImportLine) *string { return &l.Prefix }},
	{"last4", func(l *ImportLine) *string { return &l.Last4 }},
	{"created_at", func(l *ImportLine) *string { return &l.CreatedAt }},
	{"created_by", func(l *ImportLine) *string { return &l.CreatedBy }},
	{"expires_at", func(l *ImportLine) *string { return &l.ExpiresAt }},
	{"revoked_at", func(l *ImportLine) *string { return &l.RevokedAt }},
	{"replaces", func(l *ImportLine) *string { return &l.Replaces }},
	{"replaced_by", func(l *ImportLine) *string { return &l.ReplacedBy }},
	{"retire_when_unused", func(l *ImportLine) *string { return &l.RetireUnused }},
}

// The fields that are more than a text.
const (
	importKey      = "key"
	importDisabled = "disabled"
	importLabels   = "labels"
)

// ImportFields are the names of all fields of an ImportLine.
func ImportFields() []string {
	names := []string{importKey}
	for _, f := range importTexts {
		names = append(names, f.name)
	}
	return append(names, importDisabled, importLabels)
}

// setText sets a field that holds a text.
func (l *ImportLine) setText(name, value string) (known bool) {
	if name == importKey {
		if value != "" {
			l.Key = NewSecret(value)
		}
		return true
	}
	for _, f := range importTexts {
		if f.name == name {
			*f.of(l) = value
			return true
		}
	}
	return false
}

// BadLine tells what is wrong with a line of an import. It never holds a value
// of the line, since any may be a key in the wrong place.
type BadLine struct {
	Number  int
	Field   string // "" where it is about the whole line
	Problem string
}

func (e *BadLine) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %s", e.Number, e.Problem)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Number, e.Field, e.Problem)
}

// ParseImportLine reads a JSON object, strictly: unknown and repeated fields,
// values of another type, and bytes that are not UTF-8 are refused. null is the
// same as absent. The error is a *BadLine.
func ParseImportLine(number int, line []byte) (ImportLine, error) {
	l := ImportLine{Number: number}
	problem := ""
	switch {
	case len(line) > MaxImportLine:
		problem = fmt.Sprintf("is longer than %d bytes", MaxImportLine)
	case !utf8.Valid(line):
		problem = "is not UTF-8"
	case !json.Valid(line) || !bytes.HasPrefix(bytes.TrimLeft(line, " \t\r\n"), []byte("{")):
		problem = "is not a JSON object"
	}
	if problem != "" {
		return ImportLine{}, &BadLine{Number: number, Problem: problem}
	}
	if bad := l.parse(json.NewDecoder(bytes.NewReader(line))); bad != nil {
		bad.Number = number
		return ImportLine{}, bad
	}
	return l, nil
}

// parse reads the members of an object that is known to be valid JSON.
func (l *ImportLine) parse(d *json.Decoder) *BadLine {
	_, _ = d.Token() // the brace
	var seen []string
	for d.More() {
		name := nextText(d)
		if slices.Contains(seen, name) {
			return &BadLine{Field: fieldName(name), Problem: "stands twice"}
		}
		seen = append(seen, name)
		if bad := l.member(d, name); bad != nil {
			return bad
		}
	}
	return nil
}

func nextText(d *json.Decoder) string {
	t, _ := d.Token()
	s, _ := t.(string)
	return s
}

func (l *ImportLine) member(d *json.Decoder, name string) *BadLine {
	t, _ := d.Token()
	switch v := t.(type) {
	case nil:
		if !slices.Contains(ImportFields(), name) {
			return unknownField(name)
		}
		return nil
	case string:
		if l.setText(name, v) {
			return nil
		}
	case bool:
		if name == importDisabled {
			l.Disabled = v
			return nil
		}
	case json.Delim:
		if name == importLabels && v == '{' {
			return l.parseLabels(d)
		}
	}
	return wrongType(name)
}

func wrongType(name string) *BadLine {
	wanted := "a text"
	switch {
	case !slices.Contains(ImportFields(), name):
		return unknownField(name)
	case name == importDisabled:
		wanted = "true or false"
	case name == importLabels:
		wanted = "an object of texts"
	}
	return &BadLine{Field: name, Problem: "must be " + wanted}
}

func unknownField(name string) *BadLine {
	return &BadLine{Field: fieldName(name), Problem: "is no field of an import; there are " + strings.Join(ImportFields(), ", ")}
}

// fieldName shows a name only if it cannot be a key in the wrong place, which is
// minImportText long.
func fieldName(name string) string {
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && len(name) < minImportText
	if plain || slices.Contains(ImportFields(), name) {
		return name
	}
	return "a field"
}

func (l *ImportLine) parseLabels(d *json.Decoder) *BadLine {
	for d.More() {
		name := nextText(d)
		t, _ := d.Token()
		value, isText := t.(string)
		if !isText {
			return wrongType(importLabels)
		}
		if bad := l.addLabel(name, value); bad != nil {
			return bad
		}
	}
	_, _ = d.Token() // the brace
	return nil
}

func (l *ImportLine) addLabel(name, value string) *BadLine {
	if _, twice := l.Labels[name]; twice {
		return &BadLine{Field: importLabels, Problem: "a name stands twice"}
	}
	if l.Labels == nil {
		l.Labels = map[string]string{}
	}
	l.Labels[name] = value
	return nil
}

// AppendJSON appends the line as ParseImportLine reads it, without a line break
// at the end. It reveals Key: it is for the way to the server, and nothing else.
func (l *ImportLine) AppendJSON(b []byte) []byte {
	begin, comma := len(b), byte('{')
	member := func(name string, value any) {
		raw, _ := json.Marshal(value) // texts, a bool or a map of texts: never fails
		b = append(append(append(b, comma, '"'), name...), '"', ':')
		b, comma = append(b, raw...), ','
	}
	if key := l.Key.Reveal(); key != "" {
		member(importKey, key)
	}
	for _, f := range importTexts {
		if value := *f.of(l); value != "" {
			member(f.name, value)
		}
	}
	if l.Disabled {
		member(importDisabled, true)
	}
	if len(l.Labels) > 0 {
		member(importLabels, l.Labels)
	}
	if len(b) == begin {
		b = append(b, '{')
	}
	return append(b, '}')
}

// MarshalJSON writes the line without its key, which AppendJSON alone reveals.
func (l *ImportLine) MarshalJSON() ([]byte, error) {
	masked := *l
	masked.Key = Secret{}
	return masked.AppendJSON(nil), nil
}
