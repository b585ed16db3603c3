package envoy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buildFlags of the keygate under test: the race detector, when the tests run with it.
var buildFlags []string

// binary is keygate, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keygate-build")
	if err != nil {
		return "", err
	}
	built = dir
	file := filepath.Join(dir, "keygate")
	args := append(append([]string{"build", "-o", file}, buildFlags...), "../cmd/keygate")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return file, nil
})

var built string // folder of the binary

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built) // "" when no test built it, which removes nothing
	os.Exit(code)
}

// keygate is a server under test, with the folder that holds all it needs. The
// same folder can be served again after a kill.
type keygate struct {
	*process
	binary string
	dir    string
	listen Address // of ext_authz
	socket string  // of the admin API
	yaml   string  // the configuration
}

// startKeygate serves a fresh store. policy is everything of keygate.yaml from
// "responses" on.
func startKeygate(t *testing.T, network, policy string) *keygate {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := socketDir(t)
	k := &keygate{binary: file, dir: dir, socket: filepath.Join(dir, "admin", "admin.sock")}
	k.listen = Address{"tcp", freePort(t)}
	if network == "unix" {
		k.listen = Address{"unix", filepath.Join(dir, "envoy", "ext_authz.sock")}
	}
	for _, folder := range []string{"admin", "envoy"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	k.setPolicy(t, policy)
	k.serve(t)
	return k
}

// socketDir is a temporary folder with a path short enough for a Unix socket.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// freePort gives an address that was free a moment ago. keygate must be found
// there again after a restart, so it cannot be left to choose.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (k *keygate) file() string { return filepath.Join(k.dir, "keygate.yaml") }

// setPolicy writes the configuration; a running keygate takes it at a reload.
func (k *keygate) setPolicy(t *testing.T, policy string) {
	t.Helper()
	listen := k.listen.Address
	if k.listen.Network == "unix" {
		listen = "unix:" + listen
	}
	k.yaml = fmt.Sprintf("listen: [%q]\nstore: { path: keys.db }\nadmin: { socket: %q }\nobserve: \"\"\n%s",
		listen, k.socket, policy)
	if err := os.WriteFile(k.file(), []byte(k.yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts the server and returns when it is ready.
func (k *keygate) serve(t *testing.T) {
	t.Helper()
	k.process = startProcess(t, k.binary, "serve", "-c", k.file())
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", k.socket)
		},
	}}
	waitFor(t, "keygate to be ready", func() bool {
		if !k.alive() {
			t.Fatal("keygate ended")
		}
		answer, err := client.Get("http://keygate/v1/health?ready=true")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// run is one command of the command line; it gives standard output.
func (k *keygate) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := k.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try is run for goroutines, which must not end a test.
func (k *keygate) try(args ...string) (string, error) {
	cmd := exec.Command(k.binary, append(args, "-c", k.file())...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("keygate %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}

// key is a key of the store, with its text.
type key struct{ id, text string }

func (k *keygate) create(t *testing.T, permission string, more ...string) key {
	t.Helper()
	args := append([]string{"keys", "create", t.Name(), "--permission", permission, "-o", "json"}, more...)
	var made struct{ ID, Key string }
	if err := json.Unmarshal([]byte(k.run(t, args...)), &made); err != nil {
		t.Fatal(err)
	}
	return key{id: made.ID, text: made.Key}
}

func (k *keygate) revoke(t *testing.T, id string) {
	t.Helper()
	k.run(t, "keys", "revoke", id, "--yes")
}
