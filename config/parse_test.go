package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/extauthz/rules"
)

// environment is a getenv over a map.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestShippedFile(t *testing.T) {
	c, err := Load(shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	listen := []Address{{"tcp", "127.0.0.1:9494"}, {"unix", "/run/keygate/envoy/ext_authz.sock"}}
	if !slices.Equal(c.Listen, listen) {
		t.Errorf("listen is %v, want %v", c.Listen, listen)
	}
	if c.File != shipped || len(c.Routes.Rows()) != 7 || len(c.Expect) != 4 {
		t.Errorf("file %q, %d routes, %d expectations", c.File, len(c.Routes.Rows()), len(c.Expect))
	}
	if warnings := c.Warnings(); len(warnings) != 0 {
		t.Errorf("the shipped file has warnings: %v", warnings)
	}
}

// TestShippedFileHasTheDefaults holds what the file says of itself.
func TestShippedFileHasTheDefaults(t *testing.T) {
	c, err := Load(shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	byDefault := defaults()
	for _, f := range allFields() {
		switch f.name {
		case "listen", "routes", "expect":
			continue
		}
		if (c.origin(f.name) == origin{}) {
			t.Errorf("%s is not in the file", f.name)
		}
		if got, want := valueOf(c, f.name), valueOf(byDefault, f.name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, the default being %v", f.name, got, want)
		}
	}
}

func TestValuesArrive(t *testing.T) {
	c, err := Load("../testdata/config/good/quoted.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("..", "testdata", "config", "good")
	want := defaults()
	want.Store = Store{Path: filepath.Join(folder, "data", "keys.db"), CacheRecords: 1, PepperFile: filepath.Join(folder, "pepper")}
	want.Admin.Listen = "[::1]:9495"
	want.Admin.TLS = TLS{Cert: filepath.Join(folder, "tls", "cert.pem"), Key: filepath.Join(folder, "tls", "key.pem")}
	want.Admin.AllowPlaintext, want.Admin.FullKeysManage = true, false
	want.Admin.PublicURL = "https://keys.example.com"
	want.Usage = Usage{90 * time.Second, true}
	want.Audit.Keep = 0
	want.Keys.Prefix = "1_"
	want.Responses = Responses{"42", 403, "x-acme-", true, true, "check"}
	want.Log = Log{"json", "debug"}
	want.Default = rules.Deny
	for _, f := range allFields() {
		if f.name == "routes" {
			continue
		}
		if got, want := valueOf(c, f.name), valueOf(want, f.name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", f.name, got, want)
		}
	}
	if c.Routes.Default() != rules.Deny {
		t.Errorf("the table's default is %v, want deny", c.Routes.Default())
	}
}

func TestRelativePathsStartAtTheFile(t *testing.T) {
	c, err := Parse("/etc/keygate/keygate.yaml", []byte(
		"listen: [unix:envoy/./a.sock, unix:///run/b.sock]\nstore: { path: ../keys.db, pepper_file: pepper }\nadmin: { socket: admin.sock }\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Listen[0].Address, c.Listen[1].Address, c.Store.Path, c.Store.PepperFile, c.Admin.Socket}
	want := []string{"/etc/keygate/envoy/a.sock", "/run/b.sock", "/etc/keys.db", "/etc/keygate/pepper", "/etc/keygate/admin.sock"}
	if !slices.Equal(got, want) {
		t.Errorf("paths are %q, want %q", got, want)
	}
}

func TestObserveIsSwitchedOff(t *testing.T) {
	for _, source := range []string{`observe: ""`, `observe: "off"`, `observe: off`} {
		if c := mustParse(t, source); c.Observe != "" {
			t.Errorf("%s: observe is %q", source, c.Observe)
		}
	}
	c, err := Parse("f", []byte("default: full"), environment(map[string]string{"KEYGATE_OBSERVE": "off"}))
	if err != nil || c.Observe != "" {
		t.Errorf("KEYGATE_OBSERVE=off: %v, %v", c, err)
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	c, err := Parse("/etc/keygate/keygate.yaml", []byte("observe: 127.0.0.1:1\nstore: { cache_records: 9 }\n"), environment(map[string]string{
		"KEYGATE_LISTEN":     "127.0.0.1:2, unix:envoy.sock",
		"KEYGATE_STORE_PATH": "here/keys.db",
		"KEYGATE_OBSERVE":    "127.0.0.1:3",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []Address{{"tcp", "127.0.0.1:2"}, {"unix", "envoy.sock"}}; !slices.Equal(c.Listen, want) {
		t.Errorf("listen is %v, want %v", c.Listen, want)
	}
	if c.Store.Path != "here/keys.db" || c.Observe != "127.0.0.1:3" || c.Store.CacheRecords != 9 {
		t.Errorf("got %+v", c)
	}
}

func TestEnvironmentProblemsNameTheVariable(t *testing.T) {
	_, err := Parse("keygate.yaml", []byte("listen: nowhere\n"), environment(map[string]string{
		"KEYGATE_LISTEN":     "127.0.0.1:http,,unix:/run/keygate/admin.sock",
		"KEYGATE_STORE_PATH": "keys/",
		"KEYGATE_OBSERVE":    "9496",
	}))
	want := []string{
		`keygate.yaml:1:9: listen: found "nowhere", expected host:port or unix:/path/to.sock`,
		`KEYGATE_LISTEN: found "127.0.0.1:http", expected host:port or unix:/path/to.sock, the port being a number up to 65535`,
		`KEYGATE_LISTEN: found "", expected host:port or unix:/path/to.sock`,
		`KEYGATE_STORE_PATH: found "keys/", expected the path of a file, not of a folder`,
		`KEYGATE_OBSERVE: found "9496", expected host:port, or empty for off: 127.0.0.1:9496, for one`,
	}
	for _, line := range want {
		if !slices.Contains(strings.Split(err.Error(), "\n"), line) {
			t.Errorf("no line\n%s\nin\n%v", line, err)
		}
	}
}

func TestValuesWrongTogetherNameTheVariable(t *testing.T) {
	_, err := Parse("keygate.yaml", []byte("store: { path: /srv/a }"), environment(map[string]string{
		"KEYGATE_LISTEN":  "127.0.0.1:9494,unix:/srv/a",
		"KEYGATE_OBSERVE": "127.0.0.1:9494",
	}))
	want := "KEYGATE_LISTEN: listen.1: found the same path as store.path, expected one of its own\n" +
		"KEYGATE_OBSERVE: observe: found the same address as listen.0, expected one of its own"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestClashWithADefaultIsReportedWhereTheFileSpeaks looks for the line that
// somebody can change.
func TestClashWithADefaultIsReportedWhereTheFileSpeaks(t *testing.T) {
	for source, want := range map[string]string{
		"listen: unix:/run/keygate/a.sock":                 `f:1:9: listen.0: found the admin socket "/run/keygate/admin.sock" in the folder of the ext_authz socket "/run/keygate/a.sock"`,
		"listen: 127.0.0.1:9496":                           "f:1:9: listen.0: found the same address as observe",
		"observe: 127.0.0.1:9494":                          "f:1:10: observe: found the same address as listen.0",
		"store: { path: /run/keygate/admin.sock }":         "f:1:16: store.path: found the same path as admin.socket",
		"admin: { socket: /var/lib/keygate/keys.db }":      "f:1:18: admin.socket: found the same path as store.path",
		"store: { pepper_file: /var/lib/keygate/keys.db }": "f:1:23: store.pepper_file: found the same path as store.path",
	} {
		if _, err := Parse("f", []byte(source), nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestSocketPathIsMeasuredAfterItWasResolved(t *testing.T) {
	file := "/" + strings.Repeat("f", 60) + "/" + strings.Repeat("g", 40) + "/keygate.yaml"
	_, err := Parse(file, []byte("listen: unix:ext_authz.sock\nadmin: { socket: admin.sock }\nstore: { path: k }\n"), nil)
	for _, part := range []string{":1:9: listen.0: found the path ", " of 117 bytes, expected at most 107", ":2:18: admin.socket: "} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
}

func TestSizes(t *testing.T) {
	line := "# " + strings.Repeat("x", 61) + "\n"
	full := "default: deny\n" + strings.Repeat(line, largestFile/len(line))
	full = full[:largestFile]
	if _, err := Parse("f", []byte(full), nil); err != nil {
		t.Errorf("1 MiB is refused: %v", err)
	}
	if _, err := Parse("f", []byte(full+"\n"), nil); err == nil || !strings.Contains(err.Error(), "found more than 1048576 bytes") {
		t.Errorf("1 MiB and a byte: %v", err)
	}
	file := filepath.Join(t.TempDir(), "keygate.yaml")
	if err := os.WriteFile(file, []byte(full+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, nil); err == nil || !strings.Contains(err.Error(), "found more than 1048576 bytes") {
		t.Errorf("loading 1 MiB and a byte: %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	folder := t.TempDir()
	_, err := Load(filepath.Join(folder, "none.yaml"), nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "name the file with -c or $KEYGATE_CONFIG") {
		t.Errorf("a missing file: %v", err)
	}
	var problems *Problems
	if !errors.As(err, &problems) || len(problems.List) != 1 {
		t.Errorf("not one problem: %#v", err)
	}
	if _, err := Load(folder, nil); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a folder: %v", err)
	}
}

func TestExpectIsNotJudgedOnBrokenRules(t *testing.T) {
	for _, source := range []string{
		"routes: { /a: { GET: raed } }", "routes: { /a: { GET: read }, /a: { GET: read } }", "routes: []",
		"routes: { /*/b: { GET: read }, /a/*: { GET: write } }", "default: ful", "routes: { /a: { GET: read, GET: read } }",
	} {
		_, err := Parse("f", []byte(source+"\nexpect: { GET /a: public }"), nil)
		if err == nil || strings.Contains(err.Error(), "expect: found") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestValuesAtTheEdge has what a pattern of the schema cannot say.
func TestValuesAtTheEdge(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct {
		check func(string) string
		good  []string
		bad   []string
	}{
		{checkListen,
			[]string{"127.0.0.1:0", "[::1]:65535", "a.b-c.example:1", "1a:1", long + ":1", "unix:a", "unix:" + strings.Repeat("a", longestSocket)},
			[]string{"", ":", "a:", "a:-1", "a:+1", "a:01", "a:1:2", "[::1]", "[g::1]:1", "a b:1", "a_b:1", "-a:1", "a-:1", "a..b:1", ".a:1", long + "a:1",
				"1.2.3:1", "unix:", "unix:a/", "unix:@a", "unix:a\x00b", "unix:" + strings.Repeat("a", longestSocket+1), "*:1", "http://a:1"}},
		{checkSwitchable, []string{"", "off", "localhost:1"}, []string{"unix:/a", "of", "OFF"}},
		{checkOrigin,
			[]string{"", "https://a", "https://a/", "https://A.example:1", "https://[::1]", "https://1.2.3.4:65535/", "http://localhost", "http://LOCALHOST:80",
				"http://127.9.9.9:1", "http://[::1]:9495/", "https://[2001:db8::1]:443"},
			[]string{"a", "https://", "https:///", "https:a", "//a", "ftp://a", "HTTPS://a", "https://a/b", "https://a//", "https://a?", "https://a#", "https://u@a", "https://u:p@a",
				"https://a:", "https://a:0", "https://a:01", "https://a:65536", "https://a:b", "https://a:1:2", "https://[::1", "https://::1", "https://[a]", "https://[::1%lo]",
				"https://a b", "https://a\\b", "https://1.2.3", "https://é", "http://a", "http://127.0.0.1.example", "http://a.localhost", "http://0.0.0.0", "http://10.0.0.1"}},
		{checkKeyFile, []string{"", "key.pem"}, []string{"a/", "a\nb", "-----BEGIN PRIVATE KEY-----"}},
		{checkPrefix, []string{"a_", "0_", "abcdefghijkl_"}, []string{"", "_", "a", "A_", "a-_", "a__", "abcdefghijklm_", "a_b", "é_"}},
		{checkRealm, []string{"a", " ", "~", "a'b<>"}, []string{"", "é", "a\"", "a\\", "a\n", "\x7f", strings.Repeat("a", 101)}},
		{checkHeaderPrefix,
			[]string{"a-", "0-", "x-antinium-", "x-a--", "x-env-", "con-", strings.Repeat("a", 63) + "-"},
			[]string{"", "-", "--", "-a-", "a", "A-", "a_b-", "a:-", ":a-", "a b-", "é-", strings.Repeat("a", 64) + "-", "x-", "x-envoy-", "x-envoy-a-",
				"x-forwarded-", "x-real-", "x-request-", "x-http-", "content-", "sec-fetch-", "access-", "proxy-", "grpc-", "x-original-"}},
		{checkPepperFile, []string{"", "pepper", "/etc/keygate/pepper", strings.Repeat("a", 31)},
			[]string{"a/", "a\x00", strings.Repeat("a", 32), strings.Repeat("A+", 21) + "="}},
	} {
		for _, text := range test.good {
			if expected := test.check(text); expected != "" {
				t.Errorf("%q is refused: expected %s", text, expected)
			}
		}
		for _, text := range test.bad {
			if test.check(text) == "" {
				t.Errorf("%q is taken", text)
			}
		}
	}
}
