package demo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// folder holds the binary that these tests build once.
var folder string

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(folder) // "" when no test built it, which removes nothing
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	var err error
	if folder, err = os.MkdirTemp("", "keygate-build"); err != nil {
		return "", err
	}
	file := filepath.Join(folder, "keygate")
	out, err := exec.Command("go", "build", "-o", file, "../cmd/keygate").CombinedOutput()
	return file + string(out), err
})

// keygate is the binary of this source.
func keygate(t *testing.T) string {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatalf("build keygate: %v\n%s", err, file)
	}
	return file
}

// envoy finds Envoy. Without one the test is skipped, or fails where KEYGATE_REQUIRE_ENVOY=1
// says that this must not happen.
func envoy(t *testing.T) string {
	t.Helper()
	path, err := exec.Command("../envoy/fetch.sh", "-n").Output()
	switch {
	case err == nil:
		return strings.TrimSpace(string(path))
	case os.Getenv("KEYGATE_REQUIRE_ENVOY") == "1":
		t.Fatal("no Envoy: run envoy/fetch.sh")
	}
	t.Skip("no Envoy: run envoy/fetch.sh")
	return ""
}
