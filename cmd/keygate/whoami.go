package main

import (
	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) whoamiCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Say who calls the server, and what that may do",
		Example: `  keygate whoami
  keygate whoami --server https://keys.example.com --key-file key`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			who, err := client.Whoami(cmd.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, who)
			}
			return p.showCaller(who)
		},
	}
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) showCaller(who admin.Whoami) error {
	fields := []string{"role", string(who.Role) + ": " + may(who), "actor", string(who.Actor)}
	if k := who.Key; k != nil {
		fields = append(fields, "id", k.ID, "name", k.Name, "key", masked(*k), "permission", k.Permission.String(),
			"workspace", scope(k.Account, k.Workspace), "status", string(k.Status), "expires", expiryWord(*k))
	}
	return writeFields(p.stdout, fields...)
}

// may says what a role is good for.
func may(who admin.Whoami) string {
	switch who.Role {
	case admin.RoleOwner:
		return "everything, by way of the Unix socket"
	case admin.RoleOperator, admin.RoleManager:
		return "manages the keys of " + scope(who.Account, who.Workspace)
	}
	return "manages no keys; may look at itself and end itself"
}
