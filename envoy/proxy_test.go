package envoy

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// envoyBinary finds Envoy the way fetch.sh does, but downloads nothing. Without
// one the test is skipped, or fails where KEYGATE_REQUIRE_ENVOY=1 says that this
// must not happen.
func envoyBinary(t *testing.T) string {
	t.Helper()
	look := exec.Command("./fetch.sh", "-n")
	path, err := look.Output()
	if err == nil {
		return strings.TrimSpace(string(path))
	}
	reason := err.Error()
	if exit, ok := err.(*exec.ExitError); ok {
		reason = strings.TrimSpace(string(exit.Stderr))
	}
	if os.Getenv("KEYGATE_REQUIRE_ENVOY") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

// proxy is a running Envoy.
type proxy struct {
	*process
	address string // where clients reach it
	admin   string
	client  *http.Client // that tests reach it with
}

// startProxy runs Envoy on a configuration that listens on port 0.
func startProxy(t *testing.T, configuration string) *proxy {
	t.Helper()
	dir := t.TempDir()
	file, adminFile := filepath.Join(dir, "envoy.yaml"), filepath.Join(dir, "admin")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	p := &proxy{client: http1Client, process: startProcess(t, envoyBinary(t), "-c", file, "--disable-hot-restart", "--concurrency", "1",
		"--log-level", "warning", "--file-flush-interval-msec", "10", "--admin-address-path", adminFile)}
	waitFor(t, "Envoy's admin address", func() bool {
		if !p.alive() {
			t.Fatal("Envoy ended")
		}
		text, _ := os.ReadFile(adminFile)
		p.admin = strings.TrimSpace(string(text))
		return p.admin != ""
	})
	waitFor(t, "Envoy to be ready", func() bool { return p.ask("/ready") == "LIVE\n" })
	p.address = p.listener(t)
	return p
}

// ask gives the answer of Envoy's admin page, "" when there is none.
func (p *proxy) ask(path string) string {
	answer, err := http.Get("http://" + p.admin + path)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// listener asks Envoy which port it was given.
func (p *proxy) listener(t *testing.T) string {
	t.Helper()
	var list struct {
		Listeners []struct {
			Address struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(p.ask("/listeners?format=json")), &list); err != nil {
		t.Fatal(err)
	}
	socket := list.Listeners[0].Address.Socket
	return socket.Address + ":" + strconv.Itoa(socket.Port)
}

// logLine is one line of the access log.
type logLine struct {
	RequestID string `json:"request_id"`
	KeyID     string `json:"key_id"`
	Reason    string `json:"reason"`
	Rule      string `json:"rule"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	Details   string `json:"details"`
	Flags     string `json:"flags"`
	Client    string `json:"client"`
	Upstream  string `json:"upstream"`
	Time      string `json:"time"`
}

// logged waits for the access log's line about one request.
func (p *proxy) logged(t *testing.T, requestID string) (line logLine) {
	t.Helper()
	waitFor(t, "the access log of request "+strconv.Quote(requestID), func() bool {
		for text := range strings.Lines(p.stdout.String()) {
			line = logLine{}
			if json.Unmarshal([]byte(text), &line) == nil && line.RequestID == requestID {
				return true
			}
		}
		return false
	})
	return line
}

// Every configuration that we ship or print starts in a real Envoy, which also
// refuses each of them with one misspelling in it.
func TestEveryConfigurationIsValidInEnvoy(t *testing.T) {
	binary := envoyBinary(t)
	for name, text := range everyYAML(t) {
		if out, err := validate(t, binary, text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		wrong := strings.Replace(text, "failure_mode_allow:", "failure_mode_alow:", 1)
		if _, err := validate(t, binary, wrong); err == nil || wrong == text {
			t.Errorf("%s: a misspelling was accepted", name)
		}
	}
}

func validate(t *testing.T, binary, text string) (out []byte, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return exec.Command(binary, "--mode", "validate", "--log-level", "error", "-c", file).CombinedOutput()
}
