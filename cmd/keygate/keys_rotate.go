package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) keysRotateCommand() *cobra.Command {
	var fromStdin bool
	var overlap, expires, reason, format string
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Make a new key for an old one and retire the old one",
		Long: `Make a new key with the same name, permission, account and workspace, and let the
old one end when the overlap is over. The new key lives as long as the old one was
made to live, from now, unless --expires says otherwise. Only an active key that
was not rotated before can be rotated.`,
		Example: `  keygate keys rotate 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  keygate keys rotate 01KAR9Z6T0C5J1WQ8E2M3N4P5R --overlap 0 --reason "left on a train"`,
		Args: usageArgs(idOrStdin(&fromStdin, 0)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := p.toChange(cmd, fromStdin, args, reason)
			if err != nil {
				return err
			}
			rotated, err := client.Rotate(cmd.Context(), id, admin.RotateRequest{
				Overlap: given(cmd, "overlap", &overlap), Expires: given(cmd, "expires", &expires),
			})
			if err != nil {
				return err
			}
			return p.showRotated(rotated, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&overlap, "overlap", "", "how long the old key goes on, 0 to 30d; never past its own expiry (`DURATION`, default 24h)")
	flags.StringVar(&expires, "expires", "", expiresHelp)
	keyStdinFlag(cmd, &fromStdin)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) showRotated(r admin.Rotated, format string) error {
	if format == "json" {
		return p.showOnce(r.New, r.Text, format)
	}
	fmt.Fprintf(p.stderr, "the old key %s (%s) stops working at %s\n", r.Old.ID, masked(r.Old), expiryWord(r.Old))
	return p.showOnce(r.New, r.Text, "")
}
