package keystore

import (
	"slices"
	"strings"
)

// TextProblem is what CheckText finds wrong with a text that someone holds.
type TextProblem uint8

// What can be wrong. The first that applies, from the top, is reported.
const (
	TextOK           TextProblem = iota
	TextForeign                  // does not begin with a prefix of this store
	TextBadCharacter             // holds a character that no key has
	TextWrongLength              // cut, or with something pasted behind it
	TextBadChecksum              // mistyped
)

// CheckText tells a person what is wrong with a key's text before anyone looks
// it up: prefixes are those of the store (Store.Prefixes). TextOK means that
// the text is well-formed, not that the key exists. A key imported from
// elsewhere may be TextForeign and still be good.
func CheckText(text string, prefixes []string) TextProblem {
	prefix, body := splitText(text)
	switch {
	case !slices.Contains(prefixes, prefix):
		return TextForeign
	case !isBase62(body):
		return TextBadCharacter
	case len(body) != bodyLength:
		return TextWrongLength
	case !soundChecksum(text):
		return TextBadChecksum
	}
	return TextOK
}

// String is a sentence for people. It never holds any of the text.
func (p TextProblem) String() string {
	switch p {
	case TextOK:
		return "the text is well-formed"
	case TextForeign:
		return "the text does not begin with a prefix of this store: it may be a key of another system, or its beginning is missing"
	case TextBadCharacter:
		return "the text holds a character that no key has: look for blanks, quotes, dots or a line break in it"
	case TextWrongLength:
		return "the text is too short or too long: part of it was cut off, or something was pasted behind it"
	case TextBadChecksum:
		return "the text is mistyped: its checksum does not fit"
	}
	return "the text is not a key"
}

// LooksLikeKey reports whether a command-line argument is a key or a good part
// of one, so that it can be refused: prefix is that of new keys. It is true
// for a key cut short, also behind "Bearer ", and for any text with a whole key
// in it, under whatever prefix: "TOKEN_ant_...", "ant_..._old".
func LooksLikeKey(arg, prefix string) bool {
	arg = strings.TrimSpace(arg)
	if len(arg) > 7 && strings.EqualFold(arg[:7], "bearer ") {
		arg = strings.TrimSpace(arg[7:])
	}
	if rest, found := strings.CutPrefix(arg, prefix); found && prefix != "" {
		return len(rest) >= 12 && isBase62(rest) && strings.ToLower(rest) != strings.TrimRight(rest, "0123456789") || holdsKey(arg)
	}
	return holdsKey(arg)
}

// holdsKey reports whether a whole key of the form that keygate mints, under
// any prefix, stands anywhere in s, whatever touches it on either side: free
// text that holds one is refused, since it would be kept in clear.
func holdsKey(s string) bool {
	for i := strings.IndexByte(s, '_'); i >= 0; {
		if endsPrefix(s, i) {
			return true
		}
		next := strings.IndexByte(s[i+1:], '_')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// endsPrefix reports whether the underscore at i is that of a key. Where the
// prefix begins is not known, so every beginning is tried.
func endsPrefix(s string, i int) bool {
	end := i + 1 + bodyLength
	if end > len(s) || !isBase62(s[i+1:end]) {
		return false
	}
	for start := i - 1; start >= 0 && ValidPrefix(s[start:i+1]); start-- {
		if soundChecksum(s[start:end]) {
			return true
		}
	}
	return false
}
