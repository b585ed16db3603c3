package config

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is a folder with a configuration that CheckFiles finds nothing wrong with.
func sound(t *testing.T) (c *Config, folder string) {
	t.Helper()
	// Not t.TempDir: its name holds the test's, and a socket's path is short.
	folder, err := os.MkdirTemp("", "kg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for _, name := range []string{"data", "envoy", "run"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, "pepper"), strings.Repeat("s", 32)+"\n")
	c, err = Parse(filepath.Join(folder, "keygate.yaml"), []byte(
		"listen: [127.0.0.1:0, unix:envoy/a.sock]\nstore: { path: data/keys.db, pepper_file: pepper }\nadmin: { socket: run/admin.sock }\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, folder
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listing is every name below a folder.
func listing(t *testing.T, folder string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&out, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCheckFilesCreatesNothing(t *testing.T) {
	c, folder := sound(t)
	before := listing(t, folder)
	if problems := c.CheckFiles(); len(problems) != 0 {
		t.Errorf("problems: %v", problems)
	}
	if after := listing(t, folder); after != before {
		t.Errorf("CheckFiles changed\n%s\nto\n%s", before, after)
	}
}

// TestCheckFilesTakesWhatIsThereAlready is a restart after a crash.
func TestCheckFilesTakesWhatIsThereAlready(t *testing.T) {
	c, _ := sound(t)
	write(t, c.Store.Path, "a database")
	for _, path := range []string{c.Admin.Socket, c.Listen[1].Address} {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if problems := c.CheckFiles(); len(problems) != 0 {
		t.Errorf("problems: %v", problems)
	}
}

func TestCheckFilesReportsEverythingAtOnce(t *testing.T) {
	c, folder := sound(t)
	for _, name := range []string{"data", "envoy", "run", "pepper"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		":1:23: listen.1: found no folder \"" + folder + "/envoy\", expected it to exist: create it, owned by the user that runs keygate",
		":2:16: store.path: found no folder \"" + folder + "/data\", expected",
		":2:43: store.pepper_file: found a pepper file that cannot be read: no such file or directory",
		":3:18: admin.socket: found no folder \"" + folder + "/run\", expected",
	}
	expectProblems(t, c.CheckFiles(), want)
}

func TestCheckFilesRefusesWhatIsInTheWay(t *testing.T) {
	c, folder := sound(t)
	if err := os.Mkdir(c.Store.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, c.Admin.Socket, "not a socket")
	if err := os.RemoveAll(filepath.Join(folder, "envoy")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "envoy"), "not a folder")
	expectProblems(t, c.CheckFiles(), []string{
		":1:23: listen.1: found \"" + folder + "/envoy\", which is a file, expected a folder",
		":2:16: store.path: found \"" + folder + "/data/keys.db\", which is a folder, expected a file or nothing yet",
		":3:18: admin.socket: found \"" + folder + "/run/admin.sock\", which is a file, expected a socket or nothing yet",
	})
}

// TestCheckFilesFollowsLinks holds the rule of Parse, that the admin socket and an
// ext_authz socket share no folder, where only the file system shows it.
func TestCheckFilesFollowsLinks(t *testing.T) {
	c, folder := sound(t)
	if err := os.Remove(filepath.Join(folder, "run")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("envoy", filepath.Join(folder, "run")); err != nil {
		t.Fatal(err)
	}
	expectProblems(t, c.CheckFiles(), []string{":3:18: admin.socket: found the admin socket \"" + folder + "/run/admin.sock\" in the folder of the ext_authz socket"})
}

func TestDefaultsAreNamedWithoutAPlace(t *testing.T) {
	c := mustParse(t, "default: full")
	c.Store.Path = filepath.Join(t.TempDir(), "none", "keys.db")
	if got := c.checkStore(); len(got) != 1 || !strings.HasPrefix(got[0].String(), "keygate.yaml: store.path: found no folder") {
		t.Errorf("got %v", got)
	}
}

// expectProblems compares problems of a file, leaving out its name, with how each must begin.
func expectProblems(t *testing.T, got []Problem, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d problems, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if line := strings.TrimPrefix(got[i].String(), got[i].File); !strings.HasPrefix(line, want[i]) {
			t.Errorf("got  %s\nwant %s", line, want[i])
		}
	}
}

func TestReadPepper(t *testing.T) {
	secret := strings.Repeat("pepper-", 5)[:32]
	for _, test := range []struct{ content, want string }{
		{secret, secret},
		{secret + "\n", secret},
		{secret + "\n\n", secret + "\n"},
		{secret + "\r\n", secret + "\r"},
		{" " + secret + " ", " " + secret + " "},
		{"\x00\xff" + secret, "\x00\xff" + secret},
		{secret[:31], ""},
		{secret[:31] + "\n", ""},
		{"", ""},
		{strings.Repeat("x", longestPepper), strings.Repeat("x", longestPepper)},
		{strings.Repeat("x", longestPepper+1), ""},
		{strings.Repeat("x", longestPepper) + "\nx", ""},
	} {
		file := filepath.Join(t.TempDir(), "pepper")
		write(t, file, test.content)
		got, err := (&Store{PepperFile: file}).ReadPepper()
		if !bytes.Equal(got, []byte(test.want)) || (err != nil) != (test.want == "") {
			t.Errorf("%.50q gives %.50q, %v", test.content, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "pepper-") {
			t.Errorf("the error shows the pepper: %v", err)
		}
	}
	if got, err := (&Store{}).ReadPepper(); got != nil || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

// TestPepperStaysHidden puts a pepper where it belongs and where it does not, and
// looks at everything that is printed.
func TestPepperStaysHidden(t *testing.T) {
	c, folder := sound(t)
	secret := strings.Repeat("5f0a/8e6f.", 7)
	write(t, filepath.Join(folder, "pepper"), secret)
	printed := fmt.Sprintf("%v %+v %#v", c, c, c) + fmt.Sprint(c.CheckFiles(), c.Warnings())
	for _, source := range []string{
		"store: { pepper_file: [" + secret + "] }", "store: { pepper_file: " + secret + "/ }", "store: { pepper_file: " + strings.Repeat("5f0a8e6f", 8) + " }",
		"store: { pepper_file: 508608608608608608608608608608608608 }", "store: { pepper_file: { a: " + secret + " } }",
	} {
		_, err := Parse("f", []byte(source), nil)
		if err == nil {
			t.Errorf("%s is accepted", source)
		}
		printed += fmt.Sprint(err)
	}
	pasted := mustParse(t, "store: { pepper_file: "+secret+" }")
	printed += fmt.Sprint(pasted.CheckFiles())
	for _, part := range []string{"5f0a", "8e6f", "5086"} {
		if strings.Contains(printed, part) {
			t.Errorf("%q shows in %s", part, printed)
		}
	}
}
