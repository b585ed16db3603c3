package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

const expiresHelp = "when it stops working: a duration (90m, 30d, 2w), a date (its end in UTC), an RFC 3339 time, or never (`WHEN`)"

func (p *program) keysCreateCommand() *cobra.Command {
	var create admin.CreateRequest
	var expires, reason, format string
	cmd := &cobra.Command{
		Use:   "create NAME --permission read|write|full",
		Short: "Make a key; its text is shown this once",
		Long: `Make a key. Its text is shown this once and cannot be had again.

  read    Read Only: read documents, translations and workspace data
  write   Read & Write: also modify documents, create translations, manage content
  full    Full Access: every endpoint, workspace management included

Without -o json the key alone goes to standard output, and the rest to standard
error, so that KEY=$(keygate keys create ...) works.`,
		Example: `  keygate keys create ci --permission read
  keygate keys create "nightly import" --permission write --expires 90d --account acme --workspace docs
  KEY=$(keygate keys create demo --permission full)`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := keystore.ParsePermission(create.Permission); err != nil {
				return usagef("--permission %q: want read, write or full", create.Permission)
			}
			if err := p.refuseKeys(args[0], reason); err != nil {
				return err
			}
			client, err := p.changeClient(reason)
			if err != nil {
				return err
			}
			create.Name, create.Expires = args[0], given(cmd, "expires", &expires)
			made, text, err := client.Create(cmd.Context(), create)
			if err != nil {
				return err
			}
			return p.showOnce(made, text, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&create.Permission, "permission", "p", "", "what the key may do: read, write or full (`LEVEL`)")
	flags.StringVar(&create.Account, "account", "", "`ACCOUNT` that the key belongs to (default \"default\")")
	flags.StringVar(&create.Workspace, "workspace", "", "`WORKSPACE` of the account (default \"default\")")
	flags.StringVar(&expires, "expires", "", expiresHelp)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	completePermissions(cmd, "permission")
	return cmd
}

// given is the flag's value if the flag was given at all, so that an empty one is refused and not overlooked.
func given(cmd *cobra.Command, flag string, value *string) *string {
	if cmd.Flags().Changed(flag) {
		return value
	}
	return nil
}

// newKey is a key with its text, which is printed this once.
type newKey struct {
	admin.Key
	Text string `json:"key"`
}

// showOnce prints a new key: its text alone on standard output, the talk on standard error.
func (p *program) showOnce(k admin.Key, text keystore.Secret, format string) error {
	if format == "json" {
		return writeJSON(p.stdout, newKey{k, text.Reveal()})
	}
	fmt.Fprintf(p.stderr, "created %s %q: %s, %s/%s, expires %s\nthis is the only time that the key is shown:\n",
		k.ID, k.Name, k.Permission, k.Account, k.Workspace, expiryWord(k))
	_, err := fmt.Fprintln(p.stdout, text.Reveal())
	return err
}

func completePermissions(cmd *cobra.Command, flag string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions([]string{"read", "write", "full"}, cobra.ShellCompDirectiveNoFileComp))
}
