package keystore

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// children are what this test binary does when a test starts it again as a
// process of its own, by the word in $KEYSTORE_TEST_CHILD.
var children = map[string]func(path string) error{
	"create":     childCreates,
	"change":     childChanges,
	"descend":    childDescends,
	"upgrade":    childUpgrades,
	"firststart": childStarts,
	"full":       childFillsDisk,
	"tmpfs":      childFillsTmpfs,
	"hold":       childHolds,
	"million":    childImportsMillion,
	"import":     childImports,
	"fullimport": childFillsDiskByImport,
}

func TestMain(m *testing.M) {
	if run := children[os.Getenv("KEYSTORE_TEST_CHILD")]; run != nil {
		if err := run(os.Getenv("KEYSTORE_TEST_PATH")); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is this test binary, ready to be started as another process.
func child(t testing.TB, word, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "KEYSTORE_TEST_CHILD="+word, "KEYSTORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// lines starts a child and hands over its output, a line at a time. The channel
// is closed at its end; a last line that a kill cut short is left out.
func lines(t testing.TB, cmd *exec.Cmd) <-chan string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ch := make(chan string, 1<<16)
	go func() {
		defer close(ch)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			ch <- strings.TrimSuffix(line, "\n")
		}
	}()
	return ch
}

// nextLine waits for a line of a child, within a bound.
func nextLine(t testing.TB, ch <-chan string) string {
	t.Helper()
	select {
	case line, ok := <-ch:
		if !ok {
			t.Fatal("the child ended")
		}
		return line
	case <-time.After(time.Minute):
		t.Fatal("the child says nothing")
	}
	return ""
}

// same compares records, labels included. It is for tests that compare many.
func same(a, b *Record) bool { return reflect.DeepEqual(a, b) }
