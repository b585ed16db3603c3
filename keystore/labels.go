package keystore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The bounds of the labels of a key. A name is 1-63 characters of A-Z a-z 0-9
// . _ / - and begins with a letter or digit; a value is 0-100 printable
// characters.
const (
	MaxLabels     = 16
	MaxLabelValue = 100
)

// LabelID is the label that Create looks for with NewKey.IfAbsent: what the
// caller calls the key.
const LabelID = "id"

// cleanLabels refuses labels that no key can have. The caller's map is not kept.
func cleanLabels(labels map[string]string) (map[string]string, error) {
	if len(labels) > MaxLabels {
		return nil, &InvalidError{Field: "labels", Problem: fmt.Sprintf("must be %d at most", MaxLabels)}
	}
	if len(labels) == 0 {
		return nil, nil
	}
	clean := make(map[string]string, len(labels))
	for name, value := range labels {
		if !validLabelName(name) {
			return nil, &InvalidError{Field: "labels", Problem: quote(name) +
				" is no name of a label: 1-63 characters of A-Z a-z 0-9 . _ / - that begin with a letter or digit"}
		}
		if err := printable("labels", name+value, MaxScope+MaxLabelValue); err != nil {
			return nil, err
		}
		if err := printable("labels", value, MaxLabelValue); err != nil {
			return nil, err
		}
		clean[name] = value
	}
	return clean, nil
}

func validLabelName(s string) bool {
	if s == "" || len(s) > MaxScope || !isBase62Byte(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isBase62Byte(s[i]) && !strings.ContainsRune("._/-", rune(s[i])) {
			return false
		}
	}
	return true
}

// validLabels judges stored labels: like a name, a value is not held against
// unicode.IsPrint, whose tables grow.
func validLabels(labels map[string]string) bool {
	for name, value := range labels {
		if !validLabelName(name) || !utf8.ValidString(value) || utf8.RuneCountInString(value) > MaxLabelValue || strings.Contains(value, "\x00") {
			return false
		}
	}
	return len(labels) <= MaxLabels
}

func validActor(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxWho
}
