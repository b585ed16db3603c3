package main

import (
	"github.com/spf13/cobra"
)

func (p *program) keysExportCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all keys, without their texts, as lines to import",
		Long: `Write all keys as JSON Lines that ` + "`keygate keys import`" + ` takes: everything about them
but their texts, which nobody has. They hold digests, with the id of the pepper if there
is one: a server with the same pepper, or without one if this has none, can import them.
If it fails half way, what it wrote is not all: look at the exit code.`,
		Example: `  keygate keys export > keys.jsonl`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			progress := p.progress("keys")
			defer progress.end()
			seen := 0
			for line, err := range client.Export(cmd.Context()) {
				if err != nil {
					return err
				}
				if _, err := p.stdout.Write(append(line, '\n')); err != nil {
					return err
				}
				if seen++; seen%1000 == 0 && !isTerminal(p.stdout) {
					progress.show(seen)
				}
			}
			return nil
		},
	}
	outputFlag(cmd, &format, "jsonl")
	return cmd
}
