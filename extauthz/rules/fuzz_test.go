package rules

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParsePath holds every target to the reference and to what makes a path canonical.
func FuzzParsePath(f *testing.F) {
	for _, row := range refused {
		for target := range row.targets {
			f.Add(target)
		}
	}
	for _, target := range []string{"/", "/v1/documents/7?x=%zz", "/caf%C3%A9/", "/100%25/%25%25", "/%2A/{x}/**", "/a:b@c!$&'()*+,="} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		comparePath(t, target)
		p, err := ParsePath(target)
		if err != nil {
			checkPathError(t, target, err)
			return
		}
		segments := strings.Split(p.String(), "/")
		if segments[0] != "" || !utf8.ValidString(p.String()) {
			t.Fatalf("%q: %q", target, p)
		}
		for i, segment := range segments[1:] {
			if segment == "." || segment == ".." || segment == "" && i < len(segments)-2 || strings.ContainsAny(segment, "\x00;?#\\") {
				t.Fatalf("%q: segment %q", target, segment)
			}
		}
		path, _, _ := strings.Cut(target, "?")
		if len(path) > maxTarget-7 {
			return // no room for the query
		}
		if again, err := ParsePath(path + "?..//%"); err != nil || again != p {
			t.Fatalf("%q: the query matters: %q, %v", target, again, err)
		}
	})
}

// checkPathError: no more of what a client sent is in the error than one byte or one escape.
func checkPathError(t *testing.T, target string, err error) {
	t.Helper()
	var fault *PathError
	if !errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > len(target) {
		t.Fatalf("%q: %#v", target, err)
	}
	if !slices.ContainsFunc(pathProblems, func(p *regexp.Regexp) bool { return p.MatchString(fault.Problem) }) {
		t.Fatalf("%q: %q is not one of the known problems", target, fault.Problem)
	}
}

// pathProblems are all that PathError.Problem may say.
var pathProblems = func() (all []*regexp.Regexp) {
	const char = `(?:[^'"\\]|\\(?:["'\\abfnrtv]|x[0-9a-f]{2}))` // as %q writes a byte
	for _, sentence := range []string{
		`must start with "/"`, `longer than 8192 bytes`, `"` + char + `" may not stand in a request target`,
		`"%" without two hex digits`, `"%[0-9A-Fa-f]{2}" encodes a control byte`,
		`"%[0-9A-Fa-f]{2}" encodes '` + char + `', which would cut the path where it is decoded`,
		`"%[0-9A-Fa-f]{2}" encodes '[A-Za-z0-9._~-]', which must be written plainly`,
		`empty segment`, `dot segment`, `";" in a segment`, `segment is not UTF-8 once decoded`, `segment is encoded twice`,
	} {
		all = append(all, regexp.MustCompile("^"+sentence+"$"))
	}
	return all
}()

// TestPathErrorKeepsSecrets: what stands around the fault is not told.
func TestPathErrorKeepsSecrets(t *testing.T) {
	for _, row := range refused {
		for target := range row.targets {
			target = strings.Replace(target, "/", "/CANARY", 1) + "CANARY?CANARY\x00"
			if _, err := ParsePath(target); err == nil || strings.Contains(err.Error(), "CANARY"[:2]) {
				t.Errorf("%.60q: %v", target, err)
			} else {
				checkPathError(t, target, err)
			}
		}
	}
}

// FuzzPattern: what parses keeps its text and is equal to itself, and its witness is a path that it covers.
func FuzzPattern(f *testing.F) {
	for _, source := range []string{"/", "/**", "/v1/**", "/*/{id}/x/", "/caf%C3%A9/café", "/%2A%7B%7D", "/a%20b", "/{a}/{a}", "/x*", "/**/x", "//", "/.", "/%61"} {
		f.Add(source, "/v1/*")
	}
	f.Fuzz(func(t *testing.T, source, other string) {
		p, err := ParsePattern(source)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !p.same(Pattern{}) || p.source != "" || syntax.Pattern != source || syntax.Offset < 0 || syntax.Offset > len(source) {
				t.Fatalf("%q: %+v, %#v", source, p, err)
			}
			return
		}
		again, err := ParsePattern(p.String())
		if relation, _ := p.Compare(again); err != nil || p.String() != source || relation != Equal {
			t.Fatalf("%q: String gives %q, %v, %v", source, p, relation, err)
		}
		checkWitness(t, p, p)
		if q, err := ParsePattern(other); err == nil {
			checkWitness(t, p, q)
			checkWitness(t, q, p)
		}
	})
}

// checkWitness asks a table of each pattern alone for the path that both are said to cover.
func checkWitness(t *testing.T, p, q Pattern) {
	t.Helper()
	relation, witness := p.Compare(q)
	mirrored, _ := q.Compare(p)
	mirror := map[Relation]Relation{Equal: Equal, MoreSpecific: LessSpecific, LessSpecific: MoreSpecific, Overlapping: Overlapping, Disjoint: Disjoint}
	if mirrored != mirror[relation] {
		t.Fatalf("%s is %v to %s, which is %v to it", p, relation, q, mirrored)
	}
	if relation == Disjoint {
		return
	}
	for _, pattern := range []Pattern{p, q} {
		table := mustTable(t, []Route{{pattern.String(), methods{"*": Read}}}, Full)
		if got := table.Match("GET", mustPath(t, witness)); got.Rule != pattern.String() {
			t.Fatalf("%s and %s: the witness %s is decided by %+v", p, q, witness, got)
		}
	}
}
