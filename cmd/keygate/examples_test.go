package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// exampleID is the id that the examples of --help use.
const exampleID = "01KAR9Z6T0C5J1WQ8E2M3N4P5R"

// examples runs every example of every --help against the running server, each with a key of its own. Commands that
// serve or mend a stopped server's file are left to the scripts about them.
func examples(ts *testscript.TestScript, _ bool, _ []string) {
	client := admin.NewClient(ts.MkAbs("admin.sock"))
	defer client.Close()
	ran := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, line := range strings.Split(strings.TrimSpace(cmd.Example), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || cmd.Name() == "serve" || cmd.HasParent() && cmd.Parent().Name() == "store" {
				continue
			}
			key, text, err := client.Create(context.Background(), admin.CreateRequest{Name: "example", Permission: "full"})
			ts.Check(err)
			ts.Setenv("KEY", text.Reveal())
			line = strings.ReplaceAll(line, exampleID, key.ID)
			line = strings.Replace(line, "pbpaste |", `echo "$KEY" |`, 1)             // the clipboard of macOS
			line = strings.Replace(line, "--unused 90d", "--unused 1ms", 1)           // this server has not seen more
			line = strings.Replace(line, "https://keys.example.com", "http://$ON", 1) // of a real one
			writeExampleFiles(ts, text.Reveal())
			if cmd.Name() == "revoke" && !strings.Contains(line, "--yes") {
				line = "echo y | " + line + " --yes" // a person would be asked
			}
			ts.Logf("%s: %s", cmd.CommandPath(), line)
			ts.Check(ts.Exec("sh", "-e", "-c", line))
			ran++
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&program{getenv: ts.Getenv}).command())
	if ran < 20 {
		ts.Fatalf("only %d examples ran", ran)
	}
}

// writeExampleFiles writes the files that the examples read, with keys that the server does not have yet.
func writeExampleFiles(ts *testscript.TestScript, key string) {
	digest := func() string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(rand.Text()))) }
	for name, content := range map[string]string{
		"key":        key,
		"keys.csv":   "name,permission,digest\nold gateway,read," + digest() + "\n",
		"keys.jsonl": `{"name":"old gateway","permission":"read","digest":"` + digest() + `"}` + "\n",
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(content), 0o600))
	}
}
