package main

import (
	"context"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// exampleID is the id that the examples of --help use.
const exampleID = "01KAR9Z6T0C5J1WQ8E2M3N4P5R"

// examples runs every example of every --help against the running server, each with a key of its own. Commands that
// serve, mend a stopped server's file or want a console are left to the scripts about them.
func examples(ts *testscript.TestScript, _ bool, _ []string) {
	client := admin.NewClient(ts.MkAbs("admin.sock"))
	defer client.Close()
	ran := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, line := range strings.Split(strings.TrimSpace(cmd.Example), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || cmd.Name() == "console-link" || cmd.Name() == "serve" || cmd.HasParent() && cmd.Parent().Name() == "store" {
				continue
			}
			key, text, err := client.Create(context.Background(), admin.CreateRequest{Name: "example", Permission: "full"})
			ts.Check(err)
			ts.Setenv("KEY", text.Reveal())
			line = strings.ReplaceAll(line, exampleID, key.ID)
			line = strings.Replace(line, "pbpaste |", `echo "$KEY" |`, 1)             // the clipboard of macOS
			line = strings.Replace(line, "--unused 90d", "--unused 1ms", 1)           // this server has not seen more
			line = strings.Replace(line, "https://keys.example.com", "http://$ON", 1) // of a real one
			ts.Check(os.WriteFile(ts.MkAbs("key"), []byte(text.Reveal()), 0o600))
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
