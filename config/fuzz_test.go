package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: no input panics; a file is either accepted or refused with problems
// whose places exist in it; and the same file always gives the same.
func FuzzParse(f *testing.F) {
	for _, files := range []map[string][]byte{goodFiles(f), badFiles(f)} {
		for _, data := range files {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("keygate.yaml", data, nil)
		again, sameErr := Parse("keygate.yaml", data, nil)
		if err == nil {
			checkAccepted(t, c, again, sameErr)
			return
		}
		if c != nil {
			t.Fatal("a configuration and an error")
		}
		if sameErr == nil || sameErr.Error() != err.Error() {
			t.Fatalf("first\n%v\nthen\n%v", err, sameErr)
		}
		checkPlaces(t, data, err)
	})
}

func checkAccepted(t *testing.T, c, again *Config, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("accepted, then refused: %v", err)
	}
	if NeedsRestart(c, again) != nil || !reflect.DeepEqual(c.Routes.Rows(), again.Routes.Rows()) || !reflect.DeepEqual(c.Expect, again.Expect) {
		t.Fatalf("two readings differ: %+v, %+v", c, again)
	}
	if !reflect.DeepEqual(c.Warnings(), again.Warnings()) {
		t.Fatalf("warnings differ: %v, %v", c.Warnings(), again.Warnings())
	}
	for _, f := range fieldsOf(reflect.ValueOf(c).Elem(), "") {
		if f.value.IsZero() && f.name != "observe" && f.name != "expect" && f.name != "default" && f.name != "audit" {
			t.Fatalf("%s is empty", f.name)
		}
	}
}

// checkPlaces looks at the lines as an editor shows them.
func checkPlaces(t *testing.T, data []byte, err error) {
	t.Helper()
	var problems *Problems
	if !errors.As(err, &problems) || len(problems.List) == 0 {
		t.Fatalf("not a list of problems: %v", err)
	}
	text := strings.TrimPrefix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\ufeff")
	lines := strings.Split(text, "\n")
	last := place{}
	for _, p := range problems.List {
		if !utf8.ValidString(p.Message) || strings.Contains(p.Message, "\n") {
			t.Errorf("not a line of text: %q", p.Message)
		}
		if p.Line == 0 {
			if len(data) <= largestFile {
				t.Errorf("no place: %s", p)
			}
			continue
		}
		if p.Line < last.line || p.Line == last.line && p.Column < last.column {
			t.Errorf("out of order: %v", err)
		}
		last = place{p.Line, p.Column}
		if p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
			t.Errorf("the place is not in the file of %d lines: %s", len(lines), p)
		}
	}
}
