package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// largestFile is how many bytes a configuration may have.
const largestFile = 1 << 20

// smallest is the hint for a file that says nothing.
const smallest = "the smallest configuration is one line: `default: full`"

var (
	utf8Mark   = []byte("\xef\xbb\xbf")
	utf16Marks = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
)

// plainText checks that data is text that a YAML parser reads the way an editor
// shows it, and returns it without a byte order mark and with plain newlines.
// ok is false when a problem was reported.
func (r *report) plainText(data []byte) (text string, ok bool) {
	for _, mark := range utf16Marks {
		if bytes.HasPrefix(data, mark) {
			r.at(place{1, 1}, "found UTF-16, expected UTF-8: save the file as UTF-8")
			return "", false
		}
	}
	if len(data) > largestFile {
		r.at(place{}, "found more than %d bytes, expected at most that many", largestFile)
		return "", false
	}
	data = bytes.TrimPrefix(data, utf8Mark)
	text = strings.ReplaceAll(string(data), "\r\n", "\n")
	if offset, found := firstBadByte(text); found != "" {
		r.at(placeOf(text, offset), "found %s, expected plain text in UTF-8", found)
		return "", false
	}
	return text, true
}

// firstBadByte finds what is not UTF-8 or is a control character. Tabs are left
// to the parser, which knows where YAML allows them.
func firstBadByte(text string) (offset int, found string) {
	for i, c := range text {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			return i, fmt.Sprintf("the byte 0x%02X", text[i])
		case c == '\n' || c == '\t':
		case c < ' ' || 0x7F <= c && c <= 0x9F || c == '\uFEFF' || c == '\u2028' || c == '\u2029':
			return i, fmt.Sprintf("the character %U", c)
		}
	}
	return 0, ""
}

// placeOf turns a byte offset into a line and a column.
func placeOf(text string, offset int) place {
	before := text[:offset]
	lineStart := strings.LastIndexByte(before, '\n') + 1
	return place{
		line:   strings.Count(before, "\n") + 1,
		column: utf8.RuneCountInString(before[lineStart:]) + 1,
	}
}
