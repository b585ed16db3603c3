package main

import (
	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// keysCommand groups what happens to keys. All of it goes through the running server.
func (p *program) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Create, list, change, rotate and revoke keys",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.keysCreateCommand(), p.keysListCommand(), p.keysShowCommand(), p.keysUsageCommand(),
		p.keysRotateCommand(), p.keysRevokeCommand(), p.keysImportCommand(), p.keysExportCommand())
	cmd.AddCommand(p.updateCommands()...)
	return cmd
}

// reasonFlag adds --reason to a command that changes something.
func reasonFlag(cmd *cobra.Command, reason *string) {
	cmd.Flags().StringVar(reason, "reason", "", "why, for the audit record (`TEXT`)")
}

// changeClient is a client whose changes are recorded with the claimed actor and the reason.
func (p *program) changeClient(reason string) (*admin.Client, error) {
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	client.Actor, client.Reason = p.getenv("KEYGATE_ACTOR"), reason
	return client, nil
}

// keyStdinFlag adds --key-stdin: on leak day people hold a key's text, not its id.
func keyStdinFlag(cmd *cobra.Command, fromStdin *bool) {
	cmd.Flags().BoolVar(fromStdin, "key-stdin", false, "read the key's text from standard input instead of taking an ID")
}

// idOrStdin wants an ID, unless it comes by way of --key-stdin, and rest further arguments.
func idOrStdin(fromStdin *bool, rest int) cobra.PositionalArgs {
	return withID(fromStdin, rest, cobra.ExactArgs)
}

// withID wants an ID, unless it comes by way of --key-stdin, and as many further arguments as the rule says.
func withID(fromStdin *bool, rest int, rule func(int) cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		want := 1 + rest
		if *fromStdin {
			want = rest
		}
		return rule(want)(cmd, args)
	}
}

// resolve gives the id that a command works on: the argument, or that of the key on standard input.
func (p *program) resolve(cmd *cobra.Command, client *admin.Client, fromStdin bool, args []string) (string, error) {
	if !fromStdin {
		return args[0], nil
	}
	text, err := p.readKey()
	if err != nil {
		return "", err
	}
	found, err := client.Find(cmd.Context(), text)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// toRead gives the client for a question and the id of the key that it is about, as resolve finds it.
func (p *program) toRead(cmd *cobra.Command, fromStdin bool, args []string) (*admin.Client, string, error) {
	return p.toChange(cmd, fromStdin, args, "")
}

// toChange gives the client for a change and the id of the key to change, as resolve finds it.
func (p *program) toChange(cmd *cobra.Command, fromStdin bool, args []string, reason string) (*admin.Client, string, error) {
	if err := p.refuseKeys(append(args, reason)...); err != nil {
		return nil, "", err
	}
	client, err := p.changeClient(reason)
	if err != nil {
		return nil, "", err
	}
	id, err := p.resolve(cmd, client, fromStdin, args)
	return client, id, err
}
