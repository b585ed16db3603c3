package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

func (p *program) keysListCommand() *cobra.Command {
	var filter keystore.Filter
	var idsOnly bool
	var status, permission, format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List keys, masked, oldest first",
		Long: `List keys, oldest first: every status unless --status asks for one. Of a key's text
only its prefix and last 4 characters are ever shown.`,
		Example: `  keygate keys list --status active
  keygate keys list --account acme --workspace docs -o json
  keygate keys list --account acme -q | xargs keygate keys revoke --yes`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if idsOnly && format == "json" {
				return usagef("-q and -o json exclude each other")
			}
			var err error
			if filter.Status, filter.Permission, err = listChoices(status, permission); err != nil {
				return usageError{err}
			}
			client, err := p.client()
			if err != nil {
				return err
			}
			return p.list(cmd, client, filter, idsOnly, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Account, "account", "", "only keys of this `ACCOUNT`")
	flags.StringVar(&filter.Workspace, "workspace", "", "only keys of this `WORKSPACE`")
	flags.StringVar(&status, "status", "", "only keys that are active, retiring, disabled, expired or revoked (`STATUS`)")
	flags.StringVar(&permission, "permission", "", "only keys with this permission (`LEVEL`)")
	flags.BoolVarP(&idsOnly, "quiet", "q", false, "print ids alone")
	outputFlag(cmd, &format)
	completePermissions(cmd, "permission")
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(
		[]string{"active", "retiring", "disabled", "expired", "revoked"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// listChoices reads the filters that are one of a few words; "" is any.
func listChoices(status, permission string) (s keystore.Status, p keystore.Permission, err error) {
	if status != "" {
		s, err = keystore.ParseStatus(status)
	}
	if permission != "" && err == nil {
		p, err = keystore.ParsePermission(permission)
	}
	return s, p, err
}

// list walks all pages and writes as they come.
func (p *program) list(cmd *cobra.Command, client *admin.Client, filter keystore.Filter, idsOnly bool, format string) error {
	array := &jsonStream{w: p.stdout}
	seen := 0
	for k, err := range client.List(cmd.Context(), filter) {
		if err != nil {
			return err
		}
		switch {
		case format == "json":
			err = array.write(k)
		case idsOnly:
			_, err = fmt.Fprintln(p.stdout, k.ID)
		default:
			err = p.listRow(k, seen == 0)
		}
		if err != nil {
			return err
		}
		seen++
	}
	switch {
	case format == "json":
		return array.close()
	case seen == 0 && !idsOnly:
		fmt.Fprintln(p.stderr, "no keys; `keygate keys create NAME --permission read` makes one")
	}
	return nil
}

func (p *program) listRow(k admin.Key, first bool) error {
	row := keyRow(k)
	if first {
		row = keyHeader + row
	}
	_, err := io.WriteString(p.stdout, row)
	return err
}
