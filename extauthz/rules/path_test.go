package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParsePathAccepts(t *testing.T) {
	for target, want := range map[string]string{
		"/":                     "/",
		"/?":                    "/",
		"/v1":                   "/v1",
		"/v1/":                  "/v1/",
		"/v10":                  "/v10",
		"/v1/documents/7":       "/v1/documents/7",
		"/V1/Documents":         "/V1/Documents",
		"/v1?":                  "/v1",
		"/v1?a=/../x":           "/v1",
		"/v1?a=b?c=//;%zz%2F%":  "/v1",
		"/v1/?..":               "/v1/",
		"/a%20b":                "/a b",
		"/a+b":                  "/a+b",
		"/caf%C3%A9":            "/café",
		"/caf%c3%a9":            "/café",
		"/%E6%97%A5/%e6%9c%ac":  "/日/本",
		"/100%25":               "/100%",
		"/100%25/x":             "/100%/x",
		"/%25zz":                "/%zz",
		"/%25%25":               "/%%",
		"/%25/41":               "/%/41",
		"/%2A":                  "/*",
		"/*":                    "/*",
		"/**":                   "/**",
		"/{id}":                 "/{id}",
		"/%7Bid%7d":             "/{id}",
		"/.well-known/x":        "/.well-known/x",
		"/...":                  "/...",
		"/..a":                  "/..a",
		"/a..":                  "/a..",
		"/a.b~c_d-e":            "/a.b~c_d-e",
		"/a:b@c!$&'()*+,=":      "/a:b@c!$&'()*+,=",
		"/%3A%40%21%24%26%27":   "/:@!$&'",
		"/%3D%2C%2B%28%29":      "/=,+()",
		"/a|b^c`d\"<>":          "/a|b^c`d\"<>",
		"/%F0%9F%94%91":         "/🔑",
		"/%C2%85":               "/\u0085",
		"/" + long(8191, "a"):   "/" + long(8191, "a"),
		"/a?" + long(8189, "b"): "/a",
	} {
		p, err := ParsePath(target)
		if err != nil || p.String() != want {
			t.Errorf("%.40q: %.40q, %v; want %.40q", target, p, err, want)
		}
	}
}

func long(n int, s string) string { return strings.Repeat(s, n) }

// refused are targets by class of attack, with the byte at fault.
var refused = []struct {
	class   string
	targets map[string]int
}{
	{"dot segments", map[string]int{
		"/.": 1, "/..": 1, "/./": 1, "/../": 1, "/v1/..": 4, "/v1/../x": 4, "/v1/./x": 4, "/healthz/../v1/x": 9, "/..?x": 1,
		"/%2e": 1, "/%2e%2e": 1, "/%2E%2e/": 1, "/.%2e": 2, "/%2E.": 1, "/v1/%2e%2e/x": 4, "/v1/%252e%252e/x": 4, "/%252e": 1,
		"/..;/x": 1, "/..;a=b/x": 1, "/;/../x": 1, "/..%3B/x": 3, "/..%2f": 3, "/..%5c": 3, "/..%00": 3,
	}},
	{"encoded slash and backslash", map[string]int{
		"/%2f": 1, "/%2F": 1, "/a%2fb": 2, "/a%2Fb": 2, "/v1%2Fdocuments": 3, "/v1/a%2f": 5, "/%2f/x": 1, "/%252f": 1, "/%252F": 1,
		"/%5c": 1, "/%5C": 1, "/a%5cb": 2, "/a%5Cb": 2, "/v1/a%5c": 5, "/a\\b": 2, "\\a": 0, "/\\": 1, "/%255c": 1, "/?a\\b": 3,
	}},
	{"empty segments", map[string]int{
		"//": 1, "///": 1, "//a": 1, "/a//b": 3, "/a//": 3, "//healthz/v1/x": 1, "/v1//?a": 4, "//?": 1, "/v1/documents//": 14,
	}},
	{"path parameters", map[string]int{
		"/;": 1, "/a;": 1, "/keys;": 1, "/keys;v=1": 1, "/;/": 1, "/v1;x/documents": 1, "/v1/a;b": 4, "/%3b": 1, "/a%3B": 2, "/%253b": 1,
	}},
	{"encoded unreserved", map[string]int{
		"/%41": 1, "/%61": 1, "/%7a": 1, "/%5A": 1, "/%30": 1, "/%39": 1, "/%2d": 1, "/%2D": 1, "/%5f": 1, "/%5F": 1, "/%7e": 1, "/%7E": 1,
		"/v1/%77orkspace": 4, "/v1/w%6frkspace": 5, "/v1/w%6Frkspace": 5, "/%761": 1, "/v%31": 2, "/%25%34%31": 4, "/%2541": 1,
	}},
	{"fragment and encoded cuts", map[string]int{
		"/#": 1, "/healthz#/../x": 8, "/a?b#c": 4, "/%23": 1, "/a%23": 2, "/%3f": 1, "/a%3Fb": 2, "/%2523": 1, "/%253F": 1,
	}},
	{"control bytes", map[string]int{
		"/\x00": 1, "/a\x00b": 2, "/\x01": 1, "/\t": 1, "/\n": 1, "/\r\n": 1, "/\x1f": 1, "/\x7f": 1, "/a b": 2, "/ ": 1, "/?\x00": 2,
		"/%00": 1, "/a%00": 2, "/%01": 1, "/%09": 1, "/%0a": 1, "/%0D%0A": 1, "/%1F": 1, "/%1f": 1, "/%7f": 1, "/%7F": 1, "/%2500": 1,
		"/v1%00/x": 3, "/healthz%00": 8,
	}},
	{"UTF-8", map[string]int{
		"/é": 1, "/\xff": 1, "/?é": 2, "/%ff": 1, "/%80": 1, "/%c3": 1, "/a%C3/%A9": 1, "/%C3%28": 1, "/%c0%af": 1, "/%c1%9c": 1,
		"/%c0%ae%c0%ae/": 1, "/%e0%80%af": 1, "/%f0%80%80%af": 1, "/%ed%a0%80": 1, "/%f4%90%80%80": 1, "/ok/%fe": 4,
	}},
	{"bad escapes", map[string]int{
		"/%": 1, "/%4": 1, "/%zz": 1, "/%4g": 1, "/a%": 2, "/%%": 1, "/%u0041": 1, "/%/41": 1, "/%?41": 1, "/% 1": 2, "/%-1": 1, "/%+1": 1,
		"/%%32%66": 1,
	}},
	{"escapes in escapes", map[string]int{
		"/%2525": 1, "/%252525": 1, "/%25aF": 1, "/%2500": 1, "/%25c3": 1, "/x/%2561dmin": 3, "/%25%2520": 1,
	}},
	{"forms of the target", map[string]int{
		"": 0, "*": 0, "v1": 0, "http://host/v1": 0, "https://host/": 0, "host:443": 0, "?": 0, "?/v1": 0, ".": 0, "%2Fv1": 0, " /v1": 0,
	}},
	{"length", map[string]int{
		"/" + strings.Repeat("a", 8192): 8192, "/?" + strings.Repeat("a", 8191): 8192, "/" + strings.Repeat("a/", 1<<16): 8192,
	}},
}

func TestParsePathRefuses(t *testing.T) {
	for _, row := range refused {
		for target, offset := range row.targets {
			p, err := ParsePath(target)
			var fault *PathError
			if !errors.As(err, &fault) || p != (Path{}) {
				t.Errorf("%s: %.40q accepted as %q, %v", row.class, target, p, err)
				continue
			}
			if fault.Offset != offset || fault.Problem == "" {
				t.Errorf("%s: %.40q: %v, want byte %d", row.class, target, err, offset)
			}
		}
	}
}

// TestParsePathOrder holds the order of the checks where several would fail.
func TestParsePathOrder(t *testing.T) {
	for target, want := range map[string]string{
		"x\x00":                        `must start with "/"`,
		"/\x00" + long(8192, "a"):      "longer than 8192 bytes",
		"/;%zz?#":                      `"#" may not stand in a request target`,
		"/..;/%2f%zz":                  `"%2f" encodes '/', which would cut the path where it is decoded`,
		"//%zz":                        `"%" without two hex digits`,
		"/%61;":                        `"%61" encodes 'a', which must be written plainly`,
		"/%00":                         `"%00" encodes a control byte`,
		"/;%ff":                        `";" in a segment`,
		"/%ff%2541":                    "segment is not UTF-8 once decoded",
		"/%2541":                       "segment is encoded twice",
		"//..":                         "empty segment",
		"/../;":                        "dot segment",
		"/?%zz//..;" + long(9, "%2F;"): "",
	} {
		got := ""
		if _, err := ParsePath(target); err != nil {
			got = err.(*PathError).Problem
		}
		if got != want {
			t.Errorf("%.40q: %q, want %q", target, got, want)
		}
	}
}

// TestParsePathEveryByte puts every byte, plain and encoded in each hex case, into each kind of place and compares
// with the reference.
func TestParsePathEveryByte(t *testing.T) {
	places := []string{"/%s", "/a%sb", "/%s/b", "/a/%s", "/a/b%s", "/.%s", "/%s.", "/.%s/", "/%%25%s", "/%%254%s", "/%%C3%s", "%s", "%s/a", "/?%s", "/a?b=%s#"}
	for c := range 256 {
		for _, spelling := range []string{string([]byte{byte(c)}), fmt.Sprintf("%%%02X", c), fmt.Sprintf("%%%02x", c), fmt.Sprintf("%%25%02X", c)} {
			for _, place := range places {
				comparePath(t, fmt.Sprintf(place, spelling))
			}
		}
	}
}

// TestParsePathEveryEscape tries every two bytes after a percent sign.
func TestParsePathEveryEscape(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			target := "/x%" + string([]byte{byte(a), byte(b)}) + "y"
			if a < 0x21 || b < 0x21 || a > 0x7E || b > 0x7E {
				if _, err := ParsePath(target); err == nil {
					t.Errorf("%q accepted", target)
				}
				continue
			}
			comparePath(t, target)
		}
	}
}

// comparePath holds ParsePath to the reference and to what must be true of every accepted path.
func comparePath(t *testing.T, target string) {
	t.Helper()
	p, err := ParsePath(target)
	want, ok := refParsePath(target)
	if (err == nil) != ok || p.String() != want {
		t.Fatalf("%q: %q, %v; the reference gives %q, %v", target, p, err, want, ok)
	}
	if err != nil {
		if p != (Path{}) {
			t.Fatalf("%q: %q beside an error", target, p)
		}
		return
	}
	if again, err := ParsePath(p.Escaped()); err != nil || again != p {
		t.Fatalf("%q: %q, escaped %q is read as %q, %v", target, p, p.Escaped(), again, err)
	}
	for name, reading := range lenientReadings {
		if other := reading(p.String()); other != p.String() {
			t.Fatalf("%q: %q, but by software that would %s %q", target, p, name, other)
		}
	}
}

func TestValidMethod(t *testing.T) {
	for method, want := range map[string]bool{
		"GET": true, "A": true, "M-SEARCH": true, "A-": true, long(32, "A"): true, "PROPFIND": true,
		"": false, "get": false, "Get": false, "-GET": false, "GET ": false, "GET1": false, "G_T": false, "*": false,
		long(33, "A"): false, "GÉT": false, "GET\x00": false, "G.T": false,
	} {
		if ValidMethod(method) != want {
			t.Errorf("%q: %v", method, !want)
		}
	}
}

func TestRequirementWords(t *testing.T) {
	for r := Deny; r <= Public; r++ {
		if got, err := ParseRequirement(r.String()); err != nil || got != r {
			t.Errorf("%v is read as %v, %v", r, got, err)
		}
	}
	for _, word := range []string{"", "Read", "admin", " read", "requirement(9)"} {
		if got, err := ParseRequirement(word); err == nil || got != Deny {
			t.Errorf("%q is read as %v, %v", word, got, err)
		}
	}
	if (Decision{}).Required != Deny || Requirement(9).String() != "requirement(9)" {
		t.Error("the zero requirement must be deny, and others must show")
	}
}
