package config

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml/lexer"
)

// TestShapesThatWouldHangTheParser would take very long, or run out of stack, if the
// limits were not looked at first.
func TestShapesThatWouldHangTheParser(t *testing.T) {
	for part, want := range map[string]string{
		"[":    "nested deeper than 32 levels",
		"{":    "nested deeper than 32 levels",
		"[[],": "nested deeper than 32 levels",
		"{a: ": "nested deeper than 32 levels",
		"- ":   "nested deeper than 32 levels",
		"? ":   "nested deeper than 32 levels",
		"!x ":  "nested deeper than 32 levels",
		"a:\n": "more than 20000 entries",
	} {
		source := strings.Repeat(part, largestFile/8/len(part))
		_, err := Parse("f", []byte(source), nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("many times %q: %.200v, want %s", part, err, want)
		}
	}
}

// TestNothingDropped plays a YAML parser that loses a value without a word.
func TestNothingDropped(t *testing.T) {
	source := "a: 1\nb: { c: [x, 'y'] }\n"
	root, ok := (&report{}).tree(source)
	if !ok {
		t.Fatal("not parsed")
	}
	r := &report{}
	if !r.nothingDropped(lexer.Tokenize(source), root) {
		t.Errorf("nothing is missing: %v", r.list)
	}
	items := root.entries[1].value.entries[0].value.items
	root.entries[1].value.entries[0].value.items = items[:1]
	if r.nothingDropped(lexer.Tokenize(source), root) || len(r.list) != 1 || !strings.HasPrefix(r.list[0].String(), `:2:13: found "y", which belongs to no`) {
		t.Errorf("a lost item is not reported: %v", r.list)
	}
}

// TestClamp plays a YAML parser that reports places behind the end.
func TestClamp(t *testing.T) {
	r := &report{}
	r.at(place{9, 9}, "")
	r.at(place{1, 9}, "")
	r.at(place{1, 0}, "")
	r.at(place{1, 3}, "")
	r.at(place{}, "")
	r.clamp("a\u00e9b\ncd")
	want := []place{{2, 3}, {1, 4}, {1, 1}, {1, 3}, {0, 0}}
	for i, p := range r.list {
		if (place{p.Line, p.Column}) != want[i] {
			t.Errorf("place %d is %d:%d, want %v", i, p.Line, p.Column, want[i])
		}
	}
}
