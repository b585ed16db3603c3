package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/keystore"
)

// keysCommand groups what happens to keys. All of it goes through the running server.
func (p *program) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Create, list, rename, rotate and revoke keys",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.keysCreateCommand(), p.keysListCommand(), p.keysShowCommand(),
		p.keysRenameCommand(), p.keysRevokeCommand(), p.keysRotateCommand())
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

// idOrStdin splits positional arguments: an ID unless it comes by way of --key-stdin, then rest further ones.
func idOrStdin(fromStdin *bool, rest int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		want := 1 + rest
		if *fromStdin {
			want = rest
		}
		return cobra.ExactArgs(want)(cmd, args)
	}
}

// refuseKeys refuses a key's text among the arguments: the shell's history and the process list hold it now.
func (p *program) refuseKeys(args ...string) error {
	prefix := ""
	if loaded, err := config.Load(p.configFile(), p.getenv); err == nil {
		prefix = loaded.Keys.Prefix
	}
	for _, arg := range args {
		if keystore.LooksLikeKey(arg, "ant_") || keystore.LooksLikeKey(arg, prefix) {
			return usagef("that is a key, now in your shell history; pipe it to --key-stdin")
		}
	}
	return nil
}

// maxKeyInput bounds what is read of standard input, in bytes; no key is longer than 512.
const maxKeyInput = 4096

// readKey reads a key's text from standard input: one line, blanks around it dropped.
func (p *program) readKey() (keystore.Secret, error) {
	input, err := io.ReadAll(io.LimitReader(p.stdin, maxKeyInput+1))
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("read the key from standard input: %w", err)
	}
	text := strings.TrimSpace(string(input))
	switch {
	case text == "":
		return keystore.Secret{}, errors.New("no key on standard input: pipe its text in")
	case len(input) > maxKeyInput, strings.ContainsAny(text, "\r\n"):
		return keystore.Secret{}, errors.New("more than one line on standard input: pipe one key's text in")
	}
	return keystore.NewSecret(text), nil
}

// resolve gives the id that a command works on: the argument, or that of the key on standard input.
func (p *program) resolve(cmd *cobra.Command, client *admin.Client, fromStdin bool, args []string) (string, error) {
	if !fromStdin {
		if err := p.refuseKeys(args[0]); err != nil {
			return "", err
		}
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
