package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) consoleLinkCommand() *cobra.Command {
	var link admin.ConsoleLinkRequest
	var format string
	cmd := &cobra.Command{
		Use:   "console-link",
		Short: "Make a link that signs in to the console once",
		Long: `Make a link that signs in to the console once, within minutes. Whoever opens it may do
there what the caller may, in --account and --workspace alone if they are given. The
link alone goes to standard output. It is a secret until it is used.`,
		Example: `  keygate console-link
  keygate console-link --account acme --workspace docs`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if link.Account == "" && link.Workspace != "" {
				return usagef("a workspace is one of an account: pass --account too")
			}
			client, err := p.changeClient("")
			if err != nil {
				return err
			}
			made, err := client.ConsoleLink(cmd.Context(), link)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, made)
			}
			fmt.Fprintf(p.stderr, "open this in a browser; it works once, until %s:\n", when(made.ExpiresAt, "it is used"))
			_, err = fmt.Fprintln(p.stdout, made.URL)
			return err
		},
	}
	cmd.Flags().StringVar(&link.Account, "account", "", "`ACCOUNT` that the session is for (default all that the caller may see)")
	cmd.Flags().StringVar(&link.Workspace, "workspace", "", "`WORKSPACE` of the account (default all that the caller may see)")
	outputFlag(cmd, &format)
	return cmd
}
