package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/antinium/keygate/admin"
)

// The scripts in testdata/script run the real program, one behaviour a file.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keygate": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("KEYGATE_CONFIG", env.WorkDir+"/keygate.yaml")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":     ready,
			"makekeys":  makeKeys,
			"setfile":   setFile,
			"signal":    signalAll,
			"check":     check,
			"get":       get,
			"nowhere":   nowhere,
			"freeport":  freePort,
			"expand":    expand,
			"jsonfield": jsonField,
			"waitfor":   waitFor,
			"cert":      certificate,
			"explains":  explains,
			"flipbyte":  flipByte,
			"examples":  examples,
		},
	})
}

// bound is how long a script waits for what must happen.
const bound = 30 * time.Second

// ready waits until the server on the socket says that it is ready: `ready [SOCKET]`.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	socket := ts.MkAbs("admin.sock")
	if len(args) == 1 {
		socket = ts.MkAbs(args[0])
	}
	client := admin.NewClient(socket)
	defer client.Close()
	await(ts, "ready", func(ctx context.Context) error { return client.Health(ctx, true) })
}

// explains waits until the server requires something of a request: `explains GET /v1/x write`.
func explains(ts *testscript.TestScript, _ bool, args []string) {
	client := admin.NewClient(ts.MkAbs("admin.sock"))
	defer client.Close()
	await(ts, args[2], func(ctx context.Context) error {
		told, err := client.Explain(ctx, admin.ExplainRequest{Method: args[0], Path: args[1]})
		if err == nil && told.Required != args[2] {
			err = fmt.Errorf("requires %s", told.Required)
		}
		return err
	})
}

// await asks until the answer is good, within a bound.
func await(ts *testscript.TestScript, what string, good func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := good(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// flipByte damages a file: `flipbyte FILE OFFSET`.
func flipByte(ts *testscript.TestScript, _ bool, args []string) {
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	data[offset] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// makeKeys makes so many keys: `makekeys 501`.
func makeKeys(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.Atoi(args[0])
	ts.Check(err)
	client := admin.NewClient(ts.MkAbs("admin.sock"))
	defer client.Close()
	for i := range count {
		_, _, err := client.Create(context.Background(), admin.CreateRequest{Name: fmt.Sprint("key ", i), Permission: "read"})
		ts.Check(err)
	}
}

// setFile sets an environment variable to a file's first line: `setfile KEY stdout`.
func setFile(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[1])
	for i := range len(text) {
		if text[i] == '\n' {
			text = text[:i]
			break
		}
	}
	if text == "" {
		ts.Fatalf("%s is empty", args[1])
	}
	ts.Setenv(args[0], text)
}

// signalAll sends a signal to every program in the background: `signal TERM`.
func signalAll(ts *testscript.TestScript, _ bool, args []string) {
	sig, ok := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[0]]
	if !ok {
		ts.Fatalf("signal %s is not known here", args[0])
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(sig))
	}
}

// freePort sets a variable to a port that was free a moment ago: `freeport PORT`.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

// expand puts the values of variables into a file: `expand keygate.yaml`.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// jsonField sets a variable to a text of a JSON object: `jsonfield HEAD head FILE`.
func jsonField(ts *testscript.TestScript, _ bool, args []string) {
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &object))
	text, ok := object[args[1]].(string)
	if !ok {
		ts.Fatalf("%s has no text %s", args[2], args[1])
	}
	ts.Setenv(args[0], text)
}

// waitFor waits until a text stands in a file: `waitfor FILE TEXT`.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, args[1], func(context.Context) error {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err != nil || !strings.Contains(string(text), args[1]) {
			return fmt.Errorf("it is not in %s: %w", args[0], err)
		}
		return nil
	})
}
