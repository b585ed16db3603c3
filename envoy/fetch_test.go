package envoy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fetchSite is a folder with fetch.sh in it, nothing in its cache, and a PATH that
// has what the script calls and what a test puts there.
type fetchSite struct{ dir, bin string }

func newFetchSite(t *testing.T) fetchSite {
	t.Helper()
	s := fetchSite{dir: filepath.Join(t.TempDir(), "envoy"), bin: t.TempDir()}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fetch.sh", "requirements.txt"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, filepath.Join(s.dir, name), string(text))
	}
	for _, tool := range []string{"sh", "sed", "dirname", "basename", "mkdir", "mktemp", "rm", "uname"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(s.bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s fetchSite) write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// envoy puts a program into folder that calls itself an Envoy of some version.
func (s fetchSite) envoy(t *testing.T, folder, version string) string {
	t.Helper()
	return s.write(t, filepath.Join(folder, "envoy"), "#!/bin/sh\necho; echo \"envoy  version: 0123abc/"+version+"/Clean/RELEASE/BoringSSL\"\n")
}

func (s fetchSite) run(t *testing.T, env string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(s.dir, "fetch.sh"), args...)
	cmd.Env = []string{"PATH=" + s.bin, "ENVOY=" + env}
	var out, talk strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &talk
	err = cmd.Run()
	return strings.TrimSpace(out.String()), talk.String(), err
}

func TestFetchTakesTheEnvoyItIsGiven(t *testing.T) {
	s := newFetchSite(t)
	given := s.envoy(t, s.dir, "1.38.0")
	onPath := s.envoy(t, s.bin, "1.40.9")
	for env, want := range map[string]string{given: given, "": onPath} {
		if got, talk, err := s.run(t, env); got != want || err != nil {
			t.Errorf("ENVOY=%s: got %q %v, want %q\n%s", env, got, err, want, talk)
		}
	}
}

// Where nothing is to be had, stdout stays empty and the last line says what to do.
func TestFetchSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name, env, args, says string
		prepare               func(fetchSite)
	}{
		{"nothing here", "", "-n", "run envoy/fetch.sh", nil},
		{"another version on PATH", "", "-n", "run envoy/fetch.sh", func(s fetchSite) { s.envoy(t, s.bin, "1.39.1") }},
		{"ENVOY does not run", "/bin/false", "-n", "correct it or unset it", nil},
		{"no python", "", "", "apt-get install python3 python3-venv", nil},
		{"no venv", "", "", "apt-get install python3-venv", func(s fetchSite) {
			s.write(t, filepath.Join(s.bin, "python3"), "#!/bin/sh\nexit 1\n")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFetchSite(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			out, talk, err := s.run(t, c.env, strings.Fields(c.args)...)
			if err == nil || out != "" || !strings.Contains(talk, c.says) {
				t.Errorf("got %q %v\n%s", out, err, talk)
			}
		})
	}
}
