package keystore

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameLine compares lines, with their keys, which cmp cannot see.
func sameLine(a, b ImportLine) bool {
	return a.Key.Reveal() == b.Key.Reveal() && cmp.Equal(a, b, cmp.Comparer(func(Secret, Secret) bool { return true }))
}

// FuzzImportLine: what parses is what encoding/json reads, and encodes to a line
// that parses to the same; a failed parse gives nothing, and its error none of
// the line.
func FuzzImportLine(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "key" : "sk-live-0123456789" , "name":"n","permission":"read" } `, `{"disabled":true,"labels":{"a":"1","b":"\u00fc\"\\,"}}`,
		`{"name":"a","name":"b"}`, `{"name":null,"labels":null,"disabled":null}`, `{"name":1}`, `{"labels":{"a":{"b":[]}}}`, `{"labels":{"a":"1","a":"2"}}`,
		`{"x":[1,{"y":"}"}]}`, `[]`, `"{}"`, `null`, `{"name":"\ud800"}`, `{"name":"\ud83d\udd11"}`, "{\"name\":\"\xff\"}", `{"na\u006de":"n"}`, `{"":""}`,
		`{"name":"a"}{}`, `{"name":"a",}`, `{"key":"\\"}`, "{\n\t\"name\"\r:\n\"a\"}\n", `{"disabled":false ,"id":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := ParseImportLine(7, line)
		if err != nil {
			bad, ok := err.(*BadLine)
			if !ok || bad.Number != 7 || !sameLine(l, ImportLine{}) {
				t.Fatalf("%+v, %v", l, err)
			}
			return
		}
		var std map[string]any
		if err := json.Unmarshal(line, &std); err != nil {
			t.Fatalf("encoding/json refuses what was read: %v", err)
		}
		for name, value := range std {
			text, _ := value.(string)
			switch {
			case name == importKey && l.Key.Reveal() != text:
				t.Fatal("the key is another")
			case name == importDisabled && value != nil && value != l.Disabled:
				t.Fatal("disabled is another")
			}
			for _, field := range importTexts {
				if field.name == name && *field.of(&l) != text {
					t.Fatalf("%s is %q, not %q", name, *field.of(&l), text)
				}
			}
			if labels, ok := value.(map[string]any); ok && name == importLabels {
				if len(labels) != len(l.Labels) {
					t.Fatalf("labels %v", l.Labels)
				}
				for k, v := range labels {
					if l.Labels[k] != v {
						t.Fatalf("labels %v", l.Labels)
					}
				}
			}
		}
		again, err := ParseImportLine(7, l.AppendJSON(nil))
		if err != nil || !sameLine(again, l) {
			t.Fatalf("%+v became %+v, %v", l, again, err)
		}
	})
}

// TestBadJSON: what a line is refused for, word for word.
func TestBadJSON(t *testing.T) {
	unknown := "is no field of an import; there are " + strings.Join(ImportFields(), ", ")
	for line, want := range map[string]string{
		``:                              "is not a JSON object",
		`null`:                          "is not a JSON object",
		`["name"]`:                      "is not a JSON object",
		`{"name":"n"`:                   "is not a JSON object",
		`{"name":"n"}}`:                 "is not a JSON object",
		`{"name":"n",}`:                 "is not a JSON object",
		`{'name':'n'}`:                  "is not a JSON object",
		"{\"name\":\"\xff\"}":           "is not UTF-8",
		`{"name":"\ud800"}`:             "name: must be a text",
		`{"name":7}`:                    "name: must be a text",
		`{"name":true}`:                 "name: must be a text",
		`{"name":{}}`:                   "name: must be a text",
		`{"key":["a"]}`:                 "key: must be a text",
		`{"disabled":"true"}`:           "disabled: must be true or false",
		`{"disabled":1}`:                "disabled: must be true or false",
		`{"labels":"a=1"}`:              "labels: must be an object of texts",
		`{"labels":{"a":1}}`:            "labels: must be an object of texts",
		`{"labels":{"a":null}}`:         "labels: must be an object of texts",
		`{"labels":{"a":"1","a":"2"}}`:  "labels: a name stands twice",
		`{"name":"a","na\u006de":"b"}`:  "name: stands twice",
		`{"name":null,"name":"b"}`:      "name: stands twice",
		`{"labels":{},"labels":{}}`:     "labels: stands twice",
		`{"Name":"n"}`:                  "a field: " + unknown,
		`{"status":"active"}`:           "status: " + unknown,
		`{"sk-live-0123456789":null}`:   "a field: " + unknown,
		`{"":1}`:                        "a field: " + unknown,
		`{"name":"` + longText() + `"}`: "is longer than 65536 bytes",
	} {
		l, err := ParseImportLine(7, []byte(line))
		if err == nil || err.Error() != "line 7: "+want || !sameLine(l, ImportLine{}) {
			t.Errorf("%.60s:\ngot  %v\nwant line 7: %s", line, err, want)
		}
	}
}

func longText() string { return strings.Repeat("x", MaxImportLine) }

// TestImportLines: numbers are those of the file, and a blank line is none.
func TestImportLines(t *testing.T) {
	lines, bad := ParseImportLines(5, []byte("{\"name\":\"a\"}\n\n \r\n[]\n{\"name\":\"b\"}\r\n{}"))
	want := []ImportLine{{Number: 5, Name: "a"}, {Number: 9, Name: "b"}, {Number: 10}}
	if !cmp.Equal(lines, want, cmp.Comparer(sameSecret)) || !cmp.Equal(bad, []BadLine{{Number: 8, Problem: "is not a JSON object"}}) {
		t.Errorf("%+v, %v", lines, bad)
	}
	if lines, bad := ParseImportLines(1, nil); len(lines) != 0 || len(bad) != 0 {
		t.Errorf("%+v, %v", lines, bad)
	}
}

func BenchmarkParseImportLine(b *testing.B) {
	line := bytes.TrimSpace(jsonLines(1, 1))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseImportLine(1, line); err != nil {
			b.Fatal(err)
		}
	}
}
