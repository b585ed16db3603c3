package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) keysRevokeCommand() *cobra.Command {
	var fromStdin, yes bool
	var reason, format string
	cmd := &cobra.Command{
		Use:   "revoke ID...",
		Short: "End keys for good, at once",
		Long: `End keys for good. A check that begins after the command has returned is denied;
requests and streams that Envoy already let through live on. It cannot be undone.
Revoking a revoked key is no error.`,
		Example: `  keygate keys revoke 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  pbpaste | keygate keys revoke --key-stdin --yes --reason "seen in a public repository"`,
		Args: usageArgs(func(cmd *cobra.Command, args []string) error {
			if fromStdin {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.refuseKeys(append(args, reason)...); err != nil {
				return err
			}
			client, err := p.changeClient(reason)
			if err != nil {
				return err
			}
			if fromStdin {
				id, err := p.resolve(cmd, client, true, nil)
				if err != nil {
					return err
				}
				args = []string{id}
			}
			return p.revoke(cmd, client, args, yes, format)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	keyStdinFlag(cmd, &fromStdin)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	return cmd
}

// revoke looks at every key first, so that a mistyped id ends nothing, asks, and then ends them one by one. Any other
// failure does not stop the others: on leak day every key that can be ended is.
func (p *program) revoke(cmd *cobra.Command, client *admin.Client, ids []string, yes bool, format string) error {
	var keys []admin.Key
	var failed []error
	for _, id := range ids {
		k, err := client.Get(cmd.Context(), id)
		var refused *admin.APIError
		switch {
		case err == nil:
			keys = append(keys, k)
		case errors.As(err, &refused) && refused.Status >= 500: // its record is damaged, say
			failed = append(failed, fmt.Errorf("%s was NOT revoked: %w", id, err))
		default:
			return fmt.Errorf("nothing was revoked: %w", err)
		}
	}
	if !yes && len(keys) > 0 {
		if err := p.confirmRevoke(keys); err != nil {
			return err
		}
	}
	revoked := []admin.Key{}
	for _, k := range keys {
		ended, err := client.Revoke(cmd.Context(), k.ID)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s was NOT revoked: %w", k.ID, err))
			continue
		}
		revoked = append(revoked, ended)
		if format == "" {
			fmt.Fprintf(p.stderr, "revoked %s %q\n", ended.ID, ended.Name)
		}
	}
	if format == "json" {
		failed = append(failed, writeJSON(p.stdout, revoked))
	}
	return errors.Join(failed...)
}

// confirmRevoke asks on a terminal. Elsewhere nobody is there to ask, and the answer is no.
func (p *program) confirmRevoke(keys []admin.Key) error {
	if !isTerminal(p.stdin) {
		return usagef("revoke cannot ask here: pass --yes to revoke %d key(s) for good", len(keys))
	}
	for _, k := range keys {
		fmt.Fprintf(p.stderr, "  %s %s %q (%s, %s)\n", k.ID, masked(k), k.Name, k.Permission, k.Status)
	}
	fmt.Fprint(p.stderr, "revoke for good? [y/N] ")
	answer, _ := bufio.NewReader(p.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was revoked")
}

// isTerminal tells a person from a pipe. The null device is taken for a person and answers nothing, which is no.
func isTerminal(r any) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
