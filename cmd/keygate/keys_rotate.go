package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

func (p *program) keysRotateCommand() *cobra.Command {
	var fromStdin bool
	var rotate admin.RotateRequest
	var overlap, expires, retire, reason, format string
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Make a new key for an old one and retire the old one",
		Long: `Make a new key with the same name, permission, account, workspace and labels, and let
the old one end when the overlap is over. The new key lives as long as the old one was
made to live, from now, unless --expires says otherwise. Only an active key that was
not rotated before can be rotated.

--retire-when-unused ends the old key earlier, as soon as it has not been used for
that long. ` + "`keygate keys show`" + ` tells when the old one was last used.`,
		Example: `  keygate keys rotate 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  keygate keys rotate 01KAR9Z6T0C5J1WQ8E2M3N4P5R --overlap 7d --retire-when-unused 24h
  keygate keys rotate 01KAR9Z6T0C5J1WQ8E2M3N4P5R --overlap 0 --reason "left on a train"`,
		Args: usageArgs(idOrStdin(&fromStdin, 0)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, id, err := p.toChange(cmd, fromStdin, args, reason)
			if err != nil {
				return err
			}
			rotate.Overlap, rotate.Expires = given(cmd, "overlap", &overlap), given(cmd, "expires", &expires)
			rotate.RetireWhenUnused = given(cmd, "retire-when-unused", &retire)
			rotated, err := client.Rotate(cmd.Context(), id, rotate)
			if err != nil {
				return err
			}
			return p.showRotated(rotated, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&overlap, "overlap", "", "how long the old key goes on, 0 to 30d; never past its own expiry (`DURATION`, default 24h)")
	flags.StringVar(&expires, "expires", "", expiresHelp)
	flags.StringVar(&retire, "retire-when-unused", "", "end the old key once it has not been used for so long, 1m to 30d (`DURATION`)")
	idempotencyFlag(cmd, &rotate.IdempotencyKey)
	keyStdinFlag(cmd, &fromStdin)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) showRotated(r admin.Rotated, format string) error {
	if format == "" {
		fmt.Fprintf(p.stderr, "the old key %s (%s) %s\n", r.Old.ID, masked(r.Old), retirement(r.Old))
	}
	return p.showOnce(r.New, r.Text, format)
}

// retirement says what happens to a key that was rotated, and when.
func retirement(old admin.Key) string {
	switch {
	case old.Status != keystore.Retiring:
		return "has stopped working"
	case old.RetireWhenUnused != "":
		return fmt.Sprintf("stops working once it has not been used for %s, at %s at the latest; `keygate keys show %s` tells when it was last used",
			shortDuration(old.RetireWhenUnused), expiryWord(old), old.ID)
	}
	return fmt.Sprintf("stops working at %s; `keygate keys show %s` tells when it was last used", expiryWord(old), old.ID)
}
