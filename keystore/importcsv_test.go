package keystore

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readCSV reads a file to its end, or to the first line that is bad.
func readCSV(file string) (lines []ImportLine, err error) {
	c, err := NewImportCSV(strings.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		l, err := c.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, l)
	}
}

// TestCSV: rows are the same lines as JSON objects, whatever the order of the
// columns.
func TestCSV(t *testing.T) {
	for file, want := range map[string][]string{
		"key,name,permission\nsk-live-1,n,read\n":  {`{"key":"sk-live-1","name":"n","permission":"read"}`},
		"\ufeffname,key\r\nn,sk-live-1\r\nm,\r\n":  {`{"key":"sk-live-1","name":"n"}`, `{"name":"m"}`},
		" name , labels \n\"a,b\",\"a=1, b=2,c=\"": {`{"name":"a,b","labels":{"a":"1","b":"2","c":""}}`},
		"disabled\ntrue\nfalse\n\"\"\n":            {`{"disabled":true}`, `{}`, `{}`},
		"labels,name\na=b=c,\"x\ny\"\n,\"\"\"\"\n": {`{"name":"x\ny","labels":{"a":"b=c"}}`, `{"name":"\""}`},
		"name\n": nil,
		strings.Join(ImportFields(), ",") + "\na,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,true,s=t": {
			`{"key":"a","digest":"b","pepper_id":"c","id":"d","name":"e","permission":"f","account":"g","workspace":"h","prefix":"i","last4":"j",` +
				`"created_at":"k","created_by":"l","expires_at":"m","revoked_at":"n","replaces":"o","replaced_by":"p","retire_when_unused":"q","disabled":true,"labels":{"s":"t"}}`},
	} {
		lines, err := readCSV(file)
		if err != nil {
			t.Errorf("%q: %v", file, err)
		}
		var got []string
		for _, l := range lines {
			got = append(got, string(l.AppendJSON(nil)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", file, diff)
		}
	}
}

func TestBadCSV(t *testing.T) {
	const names = "key, digest, pepper_id, id, name, permission, account, workspace, prefix, last4, created_at, created_by, expires_at, revoked_at, replaces, replaced_by, retire_when_unused, disabled, labels"
	for file, want := range map[string]string{
		"":                     "line 1: the file is empty",
		"\n\n":                 "line 1: the file is empty",
		"\n\nname,Name\n":      "line 3: column 2 is none of an import: the first line names the columns, separated by commas, and there are " + names,
		"name;key\n":           "line 1: column 1 is none of an import: the first line names the columns, separated by commas, and there are " + names,
		"name,key,name\n":      "line 1: name: is the name of two columns",
		"name,key\na,b\nc\n":   "line 3: has another number of columns than the first line: 1, not 2",
		"name\n\"a\nb\"\na,b":  "line 4: has another number of columns than the first line: 2, not 1",
		"name\n\"a\n":          "line 2: has a quotation mark out of place; what stands behind it was not read",
		"name\na\"b\n":         "line 2: has a quotation mark out of place; what stands behind it was not read",
		"name\n\"a\"b\n":       "line 2: has a quotation mark out of place; what stands behind it was not read",
		"\"name\n":             "line 1: has a quotation mark out of place; what stands behind it was not read",
		"name\na\xff\n":        "line 2: is not UTF-8",
		"disabled\nyes\n":      "line 2: disabled: must be true or false",
		"labels\na\n":          `line 2: labels: must be like "a=1,b=2"`,
		"labels\n\"a=1,\"\n":   `line 2: labels: must be like "a=1,b=2"`,
		"labels\n\"a=1,a=\"\n": "line 2: labels: a name stands twice",
	} {
		_, err := readCSV(file)
		var bad *BadLine
		if !errors.As(err, &bad) || bad.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", file, err, want)
		}
	}
}

// TestCSVGoesOn behind a bad line, but not behind a quotation mark out of place,
// and tells an error of the file from one of a line.
func TestCSVGoesOn(t *testing.T) {
	c, err := NewImportCSV(io.MultiReader(strings.NewReader("name,disabled\na,x\nb,\nc\n\"d\",true\n"), failing{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 5 {
		l, err := c.Next()
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, l.Name)
	}
	want := []string{"line 2: disabled: must be true or false", "b", "line 4: has another number of columns than the first line: 1, not 2", "d", io.ErrUnexpectedEOF.Error()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := NewImportCSV(failing{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	c, err = NewImportCSV(strings.NewReader("name\n\"a\"b\nc\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := c.Next()
	if _, err := c.Next(); err1 == nil || !errors.Is(err, io.EOF) {
		t.Error(err1, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzImportCSV: reading ends, and what is read is a line that JSON carries.
func FuzzImportCSV(f *testing.F) {
	for _, seed := range []string{
		"", "key,name,permission\nsk-live-1,n,read\n", "\ufeffname\r\na\r\n", "labels,disabled\n\"a=1,b=2\",true\n,\n", "name,name\n", "name\n\"a\n", "name\na\"\n",
		"name;key\na;b\n", "name\n\xff\n", "\n\n", "name\n\n\na\n", "labels\n=,=\n", "\"na\nme\"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		c, err := NewImportCSV(strings.NewReader(file))
		var bad *BadLine
		if err != nil {
			if !errors.As(err, &bad) || c != nil {
				t.Fatal(err)
			}
			return
		}
		before := 0
		for range len(file) + 1 {
			l, err := c.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if !errors.As(err, &bad) || bad.Number <= before && !c.ended || !sameLine(l, ImportLine{}) {
					t.Fatalf("%+v, %v", l, err)
				}
				continue
			}
			if l.Number <= before {
				t.Fatalf("line %d after %d", l.Number, before)
			}
			before = l.Number
			again, err := ParseImportLine(l.Number, l.AppendJSON(nil))
			if err != nil && len(l.AppendJSON(nil)) <= MaxImportLine || err == nil && !sameLine(again, l) {
				t.Fatalf("%+v became %+v, %v", l, again, err)
			}
		}
		t.Fatal("there is no end")
	})
}
