package admin

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/keystore"
)

// requireSchemathesis makes a missing Schemathesis a failure instead of a skip.
const requireSchemathesis = "KEYGATE_REQUIRE_SCHEMATHESIS"

// schemathesisExamples is how many calls of its own making Schemathesis tries with
// each operation, beside those that the document makes it try: `make schemathesis
// EXAMPLES=1000` for a long run.
const schemathesisExamples = "KEYGATE_SCHEMATHESIS_EXAMPLES"

// schemathesis is the command that admin/schemathesis/fetch.sh has installed.
func schemathesis(t *testing.T) string {
	t.Helper()
	fetch := exec.Command("schemathesis/fetch.sh", "-n")
	var talk strings.Builder
	fetch.Stderr = &talk
	command, err := fetch.Output()
	if err == nil {
		return strings.TrimSpace(string(command))
	}
	missing := strings.TrimSpace(talk.String())
	if os.Getenv(requireSchemathesis) != "" {
		t.Fatalf("%s (%v)", missing, err)
	}
	t.Skipf("%s (%v)", missing, err)
	return ""
}

// binary is a running keygate.
type binary struct {
	*Client
	url string
	log *logBuffer
}

// startBinary builds keygate and serves a fresh store with it, over TCP too.
func startBinary(t *testing.T) *binary {
	t.Helper()
	dir := folder(t)
	file := filepath.Join(dir, "keygate")
	if out, err := exec.Command("go", "build", "-o", file, "../cmd/keygate").CombinedOutput(); err != nil {
		t.Fatalf("build keygate: %v\n%s", err, out)
	}
	for _, name := range []string{"admin", "checks"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	text := fmt.Sprintf("listen: unix:checks/s\nstore: { path: keys.db }\nobserve: \"\"\nadmin: { socket: admin/s, listen: %q }\n"+
		"routes:\n  /v1/documents/**: { GET: read, \"*\": write }\n", address)
	if err := os.WriteFile(filepath.Join(dir, "keygate.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &binary{Client: NewClient(filepath.Join(dir, "admin", "s")), url: "http://" + address, log: &logBuffer{}}
	t.Cleanup(b.Client.Close)
	serving := exec.Command(file, "serve", "-c", filepath.Join(dir, "keygate.yaml"))
	serving.Stdout, serving.Stderr = b.log, b.log
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serving.Process.Signal(os.Interrupt)
		if err := serving.Wait(); err != nil {
			t.Errorf("keygate serve: %v\n%s", err, b.log)
		}
	})
	b.mustBecomeReady(t)
	return b
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (b *binary) mustBecomeReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for b.Health(ctx, true) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("keygate is not ready\n%s", b.log)
		}
	}
}

// run is one run of Schemathesis.
type run struct {
	name    string
	key     CreateRequest // what is presented; no name: nothing
	ends    bool          // the key ends itself on the way
	options []string
}

// runs are what the document is tried with: every kind of caller. The operator key
// is tried with everything. A full key takes the same ways, within other bounds; of
// a caller who may not make a call nothing is read, whatever is in it. Both are
// tried with more only where there is time.
//
// A key that ends itself gets nothing but 401 from then on. So revoke-self is left
// out but for the last run, and hooks.py sees to the full key; an operator key is
// unknown to every call over TCP.
func runs(examples int) []run {
	phases, refused := "examples,fuzzing", "examples"
	if examples >= 50 {
		phases, refused = "examples,coverage,fuzzing", "examples,coverage,fuzzing"
	}
	tries, but := strconv.Itoa(examples), "--exclude-operation-id"
	return []run{
		{"operator", CreateRequest{Name: "st", Permission: "operator"}, false, []string{"-n", tries, but, "revoke-self"}},
		{"full", CreateRequest{Name: "st", Permission: "full", Account: "acme", Workspace: "docs"}, false,
			[]string{"-n", tries, "--phases", phases, but, "revoke-self"}},
		{"no key", CreateRequest{}, false, []string{"-n", tries, "--phases", refused}},
		{"read", CreateRequest{Name: "st", Permission: "read"}, true, []string{"-n", tries, "--phases", refused}},
	}
}

// TestSchemathesis lets Schemathesis call a real server by its document: no server
// error, no status and no header that the document does not have, no answer that
// does not fit its schema, nothing accepted that the schema refuses.
func TestSchemathesis(t *testing.T) {
	command := schemathesis(t)
	examples := 4
	if wanted, err := strconv.Atoi(os.Getenv(schemathesisExamples)); err == nil {
		examples = wanted
	}
	b := startBinary(t)
	for _, r := range runs(examples) {
		t.Run(r.name, func(t *testing.T) {
			r.on(t, b, command)
		})
	}
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			t.Errorf("keygate logs %s", line)
		}
	}
}

// on runs it against a server, and fails with what Schemathesis says.
func (r run) on(t *testing.T, b *binary, command string) {
	t.Helper()
	files, err := filepath.Abs("schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--config-file", filepath.Join(files, "schemathesis.toml"), "run", b.url + "/openapi.json", "--no-color"}, r.options...)
	env := append(os.Environ(), "KEYGATE_HOOKS="+filepath.Join(files, "hooks.py"), "PYTHONDONTWRITEBYTECODE=1")
	if r.key.Name != "" {
		key, text, err := b.Create(t.Context(), r.key)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "-H", "Authorization: Bearer "+text.Reveal())
		if r.key.Permission == "full" {
			env = append(env, "KEYGATE_OWN_ID="+key.ID)
		}
		defer r.mustHaveEnded(t, b, key.ID)
	}
	st := exec.CommandContext(t.Context(), command, args...)
	st.Env, st.Dir = env, t.TempDir() // it leaves files of its own
	begun := time.Now()
	out, err := st.CombinedOutput()
	if err != nil {
		t.Errorf("schemathesis: %v\n%s", err, out)
	}
	t.Logf("%s calls in %s, of which %s by Schemathesis itself", generated(out),
		time.Since(begun).Round(100*time.Millisecond), st.ProcessState.UserTime().Round(100*time.Millisecond))
}

// mustHaveEnded checks that a run's key worked to the end, or ended itself if it was to.
func (r run) mustHaveEnded(t *testing.T, b *binary, id string) {
	t.Helper()
	key, err := b.Get(t.Context(), id)
	if ended := key.Status != keystore.Active; err != nil || ended != r.ends {
		t.Errorf("the key of this run is %s: %v", key.Status, err)
	}
}

// generated is how many calls a run made.
func generated(said []byte) string {
	if found := regexp.MustCompile(`(\d+) generated`).FindSubmatch(said); found != nil {
		return string(found[1])
	}
	return "no"
}
