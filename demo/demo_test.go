// Package demo_test runs the demo as a person would: it does what the demo prints, and then ends it.
package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds a whole run of the demo, builds included. Only a failing test uses it up.
const patience = 3 * time.Minute

// variables name the demo's ports.
var variables = []string{"PORT", "KEYGATE_PORT", "CONSOLE_PORT", "OBSERVE_PORT", "UPSTREAM_PORT", "ADMIN_PORT"}

func TestDemoDoesWhatItSaysAndLeavesNothing(t *testing.T) {
	endings := map[string]func(*demo) error{
		"Ctrl-C reaches every process":   func(d *demo) error { return syscall.Kill(-d.cmd.Process.Pid, syscall.SIGINT) },
		"SIGTERM reaches the demo alone": func(d *demo) error { return d.cmd.Process.Signal(syscall.SIGTERM) },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t, freePorts(t))
			d.readUntilUp(t)
			d.doWhatItSays(t)
			if err := end(d); err != nil {
				t.Fatal(err)
			}
			_ = d.cmd.Wait() // it ends by a signal, which is no success
			d.mustHaveLeftNothing(t)
		})
	}
}

func TestDemoEndsWhenAPartDoes(t *testing.T) {
	d := startDemo(t, freePorts(t))
	d.readUntilUp(t)
	if err := exec.Command("pkill", "-KILL", "-g", fmt.Sprint(d.cmd.Process.Pid), "-x", "go-httpbin").Run(); err != nil {
		t.Skipf("pkill: %v", err)
	}
	if err := d.cmd.Wait(); err == nil {
		t.Error("the demo ended as if all were well")
	}
	if got := d.stderr.String(); !strings.Contains(got, "upstream ended") {
		t.Errorf("it does not say what ended:\n%s", got)
	}
	d.mustHaveLeftNothing(t)
}

// A taken port is told by its number and its variable before anything starts.
func TestDemoRefusesTakenPorts(t *testing.T) {
	for i, variable := range variables {
		t.Run(variable, func(t *testing.T) {
			ports := freePorts(t)
			l, err := net.Listen("tcp", "127.0.0.1:"+ports[i])
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			mustRefuse(t, ports, variable, ports[i])
		})
	}
	t.Run("one port twice", func(t *testing.T) {
		ports := freePorts(t)
		ports[3] = ports[0]
		mustRefuse(t, ports, variables[3], ports[3])
	})
}

func mustRefuse(t *testing.T, ports []string, variable, port string) {
	t.Helper()
	d := startDemo(t, ports)
	if err := d.cmd.Wait(); err == nil {
		t.Error("the demo started")
	}
	if want := fmt.Sprintf("port %s is taken: choose another with %s=", port, variable); !strings.Contains(d.stderr.String(), want) {
		t.Errorf("want %q, got:\n%s", want, &d.stderr)
	}
	d.mustHaveLeftNoFile(t)
}

// demo is a running demo, in a process group and a temporary folder of its own.
type demo struct {
	cmd    *exec.Cmd
	stdout *bufio.Scanner
	stderr bytes.Buffer
	ports  []string
	temp   string
	text   string // what it printed until it was up
}

func startDemo(t *testing.T, ports []string) *demo {
	t.Helper()
	d := &demo{ports: ports, temp: tempFolder(t)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	d.cmd = exec.CommandContext(ctx, "./demo.sh")
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	d.cmd.Cancel = func() error { return syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) }
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.temp, "KEYGATE="+keygate(t), "ENVOY="+envoy(t),
		"KEYGATE_CONFIG=/nobody/keygate.yaml", "KEYGATE_STORE_PATH=/nobody/keys.db", "KEYGATE_LISTEN=127.0.0.1:1")
	for i, variable := range variables {
		d.cmd.Env = append(d.cmd.Env, variable+"="+ports[i])
	}
	d.cmd.Stderr = &d.stderr
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.stdout = bufio.NewScanner(stdout)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *demo) readUntilUp(t *testing.T) {
	t.Helper()
	for d.stdout.Scan() {
		d.text += d.stdout.Text() + "\n"
		if strings.Contains(d.stdout.Text(), "Ctrl-C") {
			return
		}
	}
	err := d.cmd.Wait()
	t.Fatalf("the demo never came up (%v):\n%s%s", err, d.text, &d.stderr)
}

// Each thing to try is a line that ends in the status to expect, and a curl line below it.
var try = regexp.MustCompile(`(?m)^  (.*): (.*)\n    (curl .*)$`)

// doWhatItSays takes the demo at its word.
func (d *demo) doWhatItSays(t *testing.T) {
	t.Helper()
	tries := try.FindAllStringSubmatch(d.text, -1)
	if len(tries) != 6 {
		t.Fatalf("%d things to try, want 6:\n%s", len(tries), d.text)
	}
	for _, line := range tries {
		if got, want := curl(t, line[3]), line[2][:3]; got != want {
			t.Errorf("%s: got %s, want %s", line[1], got, want)
		}
	}
	d.shell(t, regexp.MustCompile(`(?m)^    (.* keys revoke .*)$`))
	if got := curl(t, tries[1][3]); got != "401" {
		t.Errorf("with the revoked key: got %s, want 401", got)
	}
	list := d.shell(t, regexp.MustCompile(`(?m)^    (export KEYGATE_SOCKET=.*)$`), d.cmdline("keys list"))
	if strings.Count(list, " demo ") != 3 || strings.Count(list, " revoked ") != 1 {
		t.Errorf("want three keys, one of them revoked:\n%s", list)
	}
}

func (d *demo) cmdline(command string) string { return `"$KEYGATE" ` + command }

// shell runs the command that the demo printed, then more, and gives what they print.
func (d *demo) shell(t *testing.T, printed *regexp.Regexp, more ...string) string {
	t.Helper()
	found := printed.FindStringSubmatch(d.text)
	if found == nil {
		t.Fatalf("nothing like %s in:\n%s", printed, d.text)
	}
	sh := exec.Command("sh", "-ec", strings.Join(append([]string{found[1]}, more...), "\n"))
	sh.Dir, sh.Env = "..", d.cmd.Env
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", found[1], err, out)
	}
	return string(out)
}

// word is a word of a command line, quoted or not.
var word = regexp.MustCompile(`'[^']*'|[^ ]+`)

// curl does what a printed curl line says, without curl, and gives the status.
func curl(t *testing.T, line string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	words := word.FindAllString(line, -1)[1:]
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-i":
		case "-X":
			i++
			request.Method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(strings.Trim(words[i], "'"), ": ")
			request.Header.Set(name, value)
		default:
			if request.URL, err = request.URL.Parse(words[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return fmt.Sprint(answer.StatusCode)
}

func (d *demo) mustHaveLeftNothing(t *testing.T) {
	t.Helper()
	d.mustHaveLeftNoFile(t)
	if err := syscall.Kill(-d.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a process of the demo is left (%v)", err)
		_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	}
	for i, port := range d.ports {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Errorf("%s: %v", variables[i], err)
			continue
		}
		l.Close()
	}
}

func (d *demo) mustHaveLeftNoFile(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(d.temp)
	if err != nil {
		t.Fatal(err)
	}
	// The go command's own work folders are not the demo's, when it was killed while building.
	left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "go-build") })
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// tempFolder is short: the path of a socket in it has to fit into 107 bytes.
func tempFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "demo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// freePorts gives as many different ports as the demo needs.
func freePorts(t *testing.T) []string {
	t.Helper()
	ports := make([]string, len(variables))
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports
}
