package config

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/antinium/keygate/extauthz/rules"
)

const (
	readme       = "../README.md"
	schemaFile   = "../keygate.schema.json"
	sectionBegin = "<!-- config:begin -->\n"
	sectionEnd   = "<!-- config:end -->"
)

// allFields are the fields that hold a value, of a configuration without a file.
func allFields() []field {
	var out []field
	eachField(reflect.ValueOf(defaults()).Elem(), "", func(f field) { out = append(out, f) })
	return out
}

// mustParse is for files that are right.
func mustParse(t testing.TB, source string) *Config {
	t.Helper()
	c, err := Parse("keygate.yaml", []byte(source), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// document is the file with one field set.
func document(f field, value string) string {
	sections := strings.Split(f.name, ".")
	for i := len(sections) - 1; i > 0; i-- {
		value = fmt.Sprintf("{ %s: %s }", sections[i], value)
	}
	return fmt.Sprintf("%s: %s\n", sections[0], value)
}

// written is a default as a file writes it.
func (f field) written(value string) string {
	if f.value.Kind() == reflect.Int || f.isTruth() {
		return value
	}
	return strconv.Quote(value)
}

func TestTags(t *testing.T) {
	docs := docComments()
	var walk func(section reflect.Value, prefix string)
	walk = func(section reflect.Value, prefix string) {
		for _, f := range fieldsOf(section, prefix) {
			if len(docs[section.Type().Name()+"."+f.about.Name]) < 10 {
				t.Errorf("%s has no doc comment", f.name)
			}
			if f.isSection() {
				walk(f.value, f.name+".")
				continue
			}
			if apply := f.about.Tag.Get("apply"); apply != "reload" && apply != "restart" {
				t.Errorf("%s has apply %q", f.name, apply)
			}
			if f.expected() == "" {
				t.Errorf("%s does not say what it takes", f.name)
			}
			if smallest, largest, has := f.bounds(); has && smallest >= largest {
				t.Errorf("%s has the range %d to %d", f.name, smallest, largest)
			}
			if f.isDuration() && !f.hasSoundRange() {
				t.Errorf("%s has the range %q", f.name, f.about.Tag.Get("range"))
			}
			if value, has := f.tag("default"); has && f.check(value) != "" {
				t.Errorf("%s refuses its own default %q: wants %s", f.name, value, f.check(value))
			}
		}
	}
	walk(reflect.ValueOf(&Config{}).Elem(), "")
}

// hasSoundRange tells whether the bounds of a duration are durations, in order.
func (f field) hasSoundRange() bool {
	shortest, longest := f.durationBounds()
	least, is := parseDuration(shortest)
	most, isToo := parseDuration(longest)
	return is && isToo && least < most
}

// TestEveryFieldAgrees holds the struct, the parser, the manual and the schema
// to one set of fields with one set of defaults.
func TestEveryFieldAgrees(t *testing.T) {
	manual := Manual()
	var root schema
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	absent := mustParse(t, "keys: {}\n")
	if len(allFields()) != 28 {
		t.Errorf("there are %d fields, want the 28 of this version: is one not reached?", len(allFields()))
	}
	for _, f := range allFields() {
		if !strings.Contains(manual, "- `"+f.name+"`: ") {
			t.Errorf("%s is not in the manual", f.name)
		}
		property := propertyOf(root, f.name)
		if property == nil {
			t.Errorf("%s is not in the schema", f.name)
			continue
		}
		value, has := f.tag("default")
		if !has {
			continue
		}
		if got := fmt.Sprint(property["default"]); got != value {
			t.Errorf("the schema's default of %s is %q, want %q", f.name, got, value)
		}
		given := mustParse(t, document(f, f.written(value)))
		if got, want := valueOf(absent, f.name), valueOf(given, f.name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v when left out and %v when its default is written", f.name, got, want)
		}
	}
}

func propertyOf(root schema, name string) map[string]any {
	var at any = map[string]any(root)
	for part := range strings.SplitSeq(name, ".") {
		properties, _ := at.(map[string]any)["properties"].(map[string]any)
		if properties[part] == nil {
			return nil
		}
		at = properties[part]
	}
	return at.(map[string]any)
}

func valueOf(c *Config, name string) (value any) {
	eachField(reflect.ValueOf(c).Elem(), "", func(f field) {
		if f.name == name {
			value = f.value.Interface()
		}
	})
	return value
}

// TestDefaults pins the defaults by hand, since everything else compares them
// with the tags.
func TestDefaults(t *testing.T) {
	c := mustParse(t, "default: full")
	got := fmt.Sprintln(c.Listen, c.Store, c.Admin, c.Usage, c.Audit, c.Observe, c.Keys, c.Responses, c.Log, c.Default, c.Expect, c.Routes.Rows(), c.Routes.Default())
	want := "[127.0.0.1:9494] {/var/lib/keygate/keys.db 65536 } {/run/keygate/admin.sock  { } false   true} {5s false} {9600h0m0s} 127.0.0.1:9496 {ant_} " +
		"{api 401 x-antinium- false false pass} {text info} full [] [] full\n"
	if got != want {
		t.Errorf("defaults are\n%swant\n%s", got, want)
	}
	if absent := mustParse(t, "keys: {}"); absent.Default != rules.Full || absent.Routes.Default() != rules.Full {
		t.Errorf("without `default` it is %v, in the table %v, want full", absent.Default, absent.Routes.Default())
	}
}

// TestManual holds the README's configuration section to Manual, and the schema
// file to Schema. With -update it writes both.
func TestManual(t *testing.T) {
	t.Run("schema", func(t *testing.T) {
		current(t, schemaFile, func([]byte) ([]byte, error) { return Schema(), nil })
	})
	t.Run("readme", func(t *testing.T) {
		current(t, readme, withManual)
	})
}

// current checks that a generated file is what it would be now.
func current(t *testing.T, file string, generate func([]byte) ([]byte, error)) {
	t.Helper()
	before, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	after, err := generate(before)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) == string(after) {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date: run `go test ./config -run TestManual -update`", file)
	}
	if err := os.WriteFile(file, after, 0o644); err != nil {
		t.Fatal(err)
	}
}

// withManual replaces what stands between the two marks of the README.
func withManual(page []byte) ([]byte, error) {
	head, rest, hasBegin := strings.Cut(string(page), sectionBegin)
	_, tail, hasEnd := strings.Cut(rest, sectionEnd)
	if !hasBegin || !hasEnd {
		return nil, fmt.Errorf("no lines %q and %q", strings.TrimSpace(sectionBegin), sectionEnd)
	}
	return []byte(head + sectionBegin + "\n" + Manual() + "\n" + sectionEnd + tail), nil
}

func TestReadmeSectionIsReplacedWhole(t *testing.T) {
	page, err := withManual([]byte("a\n" + sectionBegin + "old\n" + sectionEnd + "\nb\n"))
	if want := "a\n" + sectionBegin + "\n" + Manual() + "\n" + sectionEnd + "\nb\n"; err != nil || string(page) != want {
		t.Errorf("got %q, %v", page, err)
	}
	if _, err := withManual([]byte("no marks")); err == nil {
		t.Error("a README without marks passes")
	}
}
