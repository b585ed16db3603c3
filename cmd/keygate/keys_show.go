package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) keysShowCommand() *cobra.Command {
	var fromStdin bool
	var format string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one key, masked",
		Example: `  keygate keys show 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  pbpaste | keygate keys show --key-stdin`,
		Args: usageArgs(idOrStdin(&fromStdin, 0)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			id, err := p.resolve(cmd, client, fromStdin, args)
			if err != nil {
				return err
			}
			k, err := client.Get(cmd.Context(), id)
			if err != nil {
				return err
			}
			return p.show(k, format)
		},
	}
	keyStdinFlag(cmd, &fromStdin)
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) show(k admin.Key, format string) error {
	if format == "json" {
		return writeJSON(p.stdout, k)
	}
	revoked := ""
	if !k.RevokedAt.IsZero() {
		revoked = k.RevokedAt.UTC().Format(time.RFC3339)
	}
	return writeFields(p.stdout, "id", k.ID, "name", k.Name, "key", masked(k), "permission", k.Permission.String(),
		"account", k.Account, "workspace", k.Workspace, "status", string(k.Status),
		"created", k.CreatedAt.UTC().Format(time.RFC3339), "expires", expiryWord(k), "revoked", revoked)
}

func (p *program) keysRenameCommand() *cobra.Command {
	var fromStdin bool
	var reason, format string
	cmd := &cobra.Command{
		Use:     "rename ID NAME",
		Short:   "Give a key another name; nothing else changes",
		Example: `  keygate keys rename 01KAR9Z6T0C5J1WQ8E2M3N4P5R "ci, main branch"`,
		Args:    usageArgs(idOrStdin(&fromStdin, 1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := p.toChange(cmd, fromStdin, args, reason)
			if err != nil {
				return err
			}
			k, err := client.Rename(cmd.Context(), id, args[len(args)-1])
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, k)
			}
			fmt.Fprintf(p.stderr, "renamed %s to %q\n", k.ID, k.Name)
			return nil
		},
	}
	keyStdinFlag(cmd, &fromStdin)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	return cmd
}
