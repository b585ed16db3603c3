package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
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

// importFields are the names of all fields.
var importFields = func() []string {
	names := []string{importKey}
	for _, f := range importTexts {
		names = append(names, f.name)
	}
	return append(names, importDisabled, importLabels)
}()

// ImportFields are the names of all fields of an ImportLine. The caller owns the
// result.
func ImportFields() []string { return slices.Clone(importFields) }

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
	case !json.Valid(line) || !strings.HasPrefix(strings.TrimLeft(string(line), jsonBlanks), "{"):
		problem = "is not a JSON object"
	}
	if problem != "" {
		return ImportLine{}, &BadLine{Number: number, Problem: problem}
	}
	if bad := l.parse(string(line)); bad != nil {
		bad.Number = number
		return ImportLine{}, bad
	}
	return l, nil
}

// ParseImportLines reads JSON Lines, of which the first has the given number, on
// all processors. A line with nothing but blanks is left out. The bad ones come
// apart, both in their order.
func ParseImportLines(first int, body []byte) (lines []ImportLine, bad []BadLine) {
	raw := slices.Collect(bytes.Lines(body))
	parsed, errs := make([]ImportLine, len(raw)), make([]error, len(raw))
	inParallel(len(raw), func(i int) {
		if line := bytes.Trim(raw[i], jsonBlanks); len(line) > 0 {
			parsed[i], errs[i] = ParseImportLine(first+i, line)
		}
	})
	lines = make([]ImportLine, 0, len(raw))
	for i, l := range parsed {
		var problem *BadLine
		switch {
		case errors.As(errs[i], &problem):
			bad = append(bad, *problem)
		case l.Number != 0:
			lines = append(lines, l)
		}
	}
	return lines, bad
}

const jsonBlanks = " \t\r\n"

// parse reads the members of an object that is known to be valid JSON, which
// encoding/json could not do without missing a name that stands twice.
func (l *ImportLine) parse(object string) (bad *BadLine) {
	var seen []string
	members(object, func(name, value string) bool {
		if slices.Contains(seen, name) {
			bad = &BadLine{Field: fieldName(name), Problem: "stands twice"}
			return false
		}
		seen = append(seen, name)
		bad = l.member(name, value)
		return bad == nil
	})
	return bad
}

// members visits the members of an object that is known to be valid JSON, in
// order, with the name decoded and the value as it stands.
func members(object string, visit func(name, value string) (more bool)) {
	rest := strings.TrimLeft(object, jsonBlanks)[1:]
	for {
		rest = strings.TrimLeft(rest, jsonBlanks+",")
		if rest[0] == '}' {
			return
		}
		end := jsonEnd(rest)
		name, _ := jsonText(rest[:end])
		rest = strings.TrimLeft(rest[end:], jsonBlanks+":")
		end = jsonEnd(rest)
		if !visit(name, rest[:end]) {
			return
		}
		rest = rest[end:]
	}
}

// jsonEnd finds where the value with which s begins ends.
func jsonEnd(s string) int {
	deep, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			deep++
		case deep == 0 && strings.IndexByte(",:}]"+jsonBlanks, c) >= 0:
			return i
		case c == '}' || c == ']':
			deep--
		}
		if deep == 0 && !quoted && strings.IndexByte("\"}]", s[i]) >= 0 {
			return i + 1
		}
	}
	return len(s)
}

// jsonText decodes a text. One that is none, or has half of a surrogate pair, is
// not ok.
func jsonText(s string) (text string, ok bool) {
	if s[0] != '"' {
		return "", false
	}
	if plain := s[1 : len(s)-1]; strings.IndexByte(plain, '\\') < 0 {
		return plain, true
	}
	if json.Unmarshal([]byte(s), &text) != nil || strings.Contains(text, "\ufffd") {
		return "", false
	}
	return text, true
}

func (l *ImportLine) member(name, value string) *BadLine {
	if value == "null" && slices.Contains(importFields, name) {
		return nil
	}
	switch text, ok := jsonText(value); {
	case name == importDisabled && (value == "true" || value == "false"):
		l.Disabled = value == "true"
		return nil
	case name == importLabels && value[0] == '{':
		return l.parseLabels(value)
	case ok && l.setText(name, text):
		return nil
	}
	return wrongType(name)
}

func wrongType(name string) *BadLine {
	wanted := "a text"
	switch {
	case !slices.Contains(importFields, name):
		return unknownField(name)
	case name == importDisabled:
		wanted = "true or false"
	case name == importLabels:
		wanted = "an object of texts"
	}
	return &BadLine{Field: name, Problem: "must be " + wanted}
}

func unknownField(name string) *BadLine {
	return &BadLine{Field: fieldName(name), Problem: "is no field of an import; there are " + strings.Join(importFields, ", ")}
}

// fieldName shows a name only if it cannot be a key in the wrong place, which is
// minImportText long.
func fieldName(name string) string {
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && name != "" && len(name) < minImportText
	if plain || slices.Contains(importFields, name) {
		return name
	}
	return "a field"
}

func (l *ImportLine) parseLabels(object string) (bad *BadLine) {
	members(object, func(name, value string) bool {
		if text, ok := jsonText(value); ok {
			bad = l.addLabel(name, text)
		} else {
			bad = wrongType(importLabels)
		}
		return bad == nil
	})
	return bad
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
