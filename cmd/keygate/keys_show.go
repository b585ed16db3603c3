package main

import (
	"context"
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
		Long: `Show one key, masked: what it may do, who made it and what it made, when it was last
used, and its labels. Of a key that was rotated, or that replaces one, it also tells
when the other one was last used, so that nobody guesses whether the old one may end.`,
		Example: `  keygate keys show 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  keygate keys show 01KAR9Z6T0C5J1WQ8E2M3N4P5R -o json
  pbpaste | keygate keys show --key-stdin`,
		Args: usageArgs(idOrStdin(&fromStdin, 0)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := p.toRead(cmd, fromStdin, args)
			if err != nil {
				return err
			}
			k, err := client.Get(cmd.Context(), id)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, k)
			}
			return p.show(cmd.Context(), client, k)
		},
	}
	keyStdinFlag(cmd, &fromStdin)
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) show(ctx context.Context, client *admin.Client, k admin.KeyDetail) error {
	now := time.Now()
	made := ""
	if k.Made > 0 {
		made = living(k.Made, "living key") + "; `keygate keys revoke " + k.ID + " --descendants` ends them too"
	}
	return writeFields(p.stdout, "id", k.ID, "name", k.Name, "key", masked(k.Key), "permission", k.Permission.String(),
		"workspace", scope(k.Account, k.Workspace), "status", string(k.Status),
		"created", when(k.CreatedAt, ""), "made by", string(k.CreatedBy), "last used", lastUsed(k.Key, now),
		"expires", endWords(k.Key), "revoked", when(k.RevokedAt, ""), "labels", labelWords(k.Labels),
		"replaces", partner(ctx, client, k.Replaces, "old", now), "replaced by", partner(ctx, client, k.ReplacedBy, "new", now),
		"made", made)
}

func lastUsed(k admin.Key, now time.Time) string {
	if k.LastUsedAt.IsZero() {
		return "never"
	}
	return ago(k.LastUsedAt, now) + ", " + when(k.LastUsedAt, "")
}

// endWords say when a key ends by itself: a rotated one perhaps earlier, for want of use.
func endWords(k admin.Key) string {
	if k.RetireWhenUnused == "" || k.Status != "retiring" {
		return expiryWord(k)
	}
	return fmt.Sprintf("%s, or once it has not been used for %s", expiryWord(k), shortDuration(k.RetireWhenUnused))
}

// partner tells of the other key of a rotation, the "old" or the "new" one, as far as the caller may see it.
func partner(ctx context.Context, client *admin.Client, id admin.Text, which string, now time.Time) string {
	if id == "" {
		return ""
	}
	k, err := client.Get(ctx, string(id))
	if err != nil {
		return string(id)
	}
	used := "never used"
	if !k.LastUsedAt.IsZero() {
		used = "last used " + ago(k.LastUsedAt, now)
	}
	return fmt.Sprintf("%s (%s key %s, %s)", id, which, used, k.Status)
}
