package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// update is a command that changes one key: what is asked of it, from the arguments behind the ID, and what is said when
// it is done.
type update struct {
	use, short, long, example string
	args                      func(int) cobra.PositionalArgs // the rule for the rest; nil is exactly so many
	rest                      int                            // arguments behind the ID
	request                   func(args []string) (admin.UpdateRequest, error)
	done                      func(admin.KeyDetail) string
}

// updateCommands are all commands that change a key and keep it.
func (p *program) updateCommands() []*cobra.Command {
	setExpiry, lower := p.updateCommand(setExpiry), p.updateCommand(lower)
	setExpiry.ValidArgsFunction = completeArgument(1, "never", "30d", "90d", "365d")
	lower.ValidArgsFunction = completeArgument(1, "read", "write")
	return []*cobra.Command{p.updateCommand(rename), setExpiry, p.updateCommand(disable), p.updateCommand(enable), p.updateCommand(label), lower}
}

// completeArgument completes the argument at a place.
func completeArgument(place int, words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) != place {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

var rename = update{
	use: "rename ID NAME", short: "Give a key another name; nothing else changes",
	example: `  keygate keys rename 01KAR9Z6T0C5J1WQ8E2M3N4P5R "ci, main branch"`,
	rest:    1,
	request: func(args []string) (admin.UpdateRequest, error) { return admin.UpdateRequest{Name: &args[0]}, nil },
	done:    func(k admin.KeyDetail) string { return fmt.Sprintf("renamed %s to %q", k.ID, k.Name) },
}

var setExpiry = update{
	use: "set-expiry ID WHEN|never", short: "Set when a key ends by itself",
	long: `Set when a key ends by itself: WHEN is a duration from now (90m, 30d, 2w), a date (its
end in UTC), an RFC 3339 time, or never. A key that has expired stays expired: make a
new one. The overlap of a rotated key can be made shorter, and not longer.`,
	example: `  keygate keys set-expiry 01KAR9Z6T0C5J1WQ8E2M3N4P5R 90d
  keygate keys set-expiry 01KAR9Z6T0C5J1WQ8E2M3N4P5R 2126-01-31
  keygate keys set-expiry 01KAR9Z6T0C5J1WQ8E2M3N4P5R never`,
	rest:    1,
	request: func(args []string) (admin.UpdateRequest, error) { return admin.UpdateRequest{Expires: &args[0]}, nil },
	done: func(k admin.KeyDetail) string {
		return fmt.Sprintf("%s %q expires %s", k.ID, k.Name, expiryWord(k.Key))
	},
}

var disable = update{
	use: "disable ID", short: "Refuse a key until it is enabled again",
	long: `Refuse a key until it is enabled again: a check that begins after the command has
returned is denied. Where nobody will want the key back, revoke it.`,
	example: `  keygate keys disable 01KAR9Z6T0C5J1WQ8E2M3N4P5R --reason "strange traffic"
  pbpaste | keygate keys disable --key-stdin`,
	request: func([]string) (admin.UpdateRequest, error) { return admin.UpdateRequest{Enabled: new(false)}, nil },
	done: func(k admin.KeyDetail) string {
		return fmt.Sprintf("disabled %s %q: every check refuses it until `keygate keys enable %s`", k.ID, k.Name, k.ID)
	},
}

var enable = update{
	use: "enable ID", short: "Let a disabled key work again",
	example: `  keygate keys enable 01KAR9Z6T0C5J1WQ8E2M3N4P5R`,
	request: func([]string) (admin.UpdateRequest, error) { return admin.UpdateRequest{Enabled: new(true)}, nil },
	done: func(k admin.KeyDetail) string {
		return fmt.Sprintf("enabled %s %q: it is %s now", k.ID, k.Name, k.Status)
	},
}

var label = update{
	use: "label ID NAME=VALUE... NAME-...", short: "Set and remove labels of a key",
	long: `Set labels of a key (NAME=VALUE) and remove some (NAME-). Those that are not named
stay. A key has at most 16.`,
	example: `  keygate keys label 01KAR9Z6T0C5J1WQ8E2M3N4P5R env=prod team=docs
  keygate keys label 01KAR9Z6T0C5J1WQ8E2M3N4P5R env-`,
	args: cobra.MinimumNArgs, rest: 1,
	request: func(args []string) (admin.UpdateRequest, error) {
		labels, err := parseRelabel(args)
		return admin.UpdateRequest{Labels: labels}, err
	},
	done: func(k admin.KeyDetail) string {
		if len(k.Labels) == 0 {
			return fmt.Sprintf("%s %q has no labels", k.ID, k.Name)
		}
		return fmt.Sprintf("%s %q has the labels %s", k.ID, k.Name, labelWords(k.Labels))
	},
}

var lower = update{
	use: "lower ID read|write", short: "Lower what a key may do; it cannot be raised",
	long: `Lower what a key may do. It can never be raised again: a key that shall do more is a
new one.`,
	example: `  keygate keys lower 01KAR9Z6T0C5J1WQ8E2M3N4P5R read`,
	rest:    1,
	request: func(args []string) (admin.UpdateRequest, error) {
		level, err := permissionOf(args[0], false)
		if err != nil {
			return admin.UpdateRequest{}, usagef("%q is no permission: want read or write", args[0])
		}
		return admin.UpdateRequest{Permission: &level}, nil
	},
	done: func(k admin.KeyDetail) string { return fmt.Sprintf("%s %q is %s now", k.ID, k.Name, k.Permission) },
}

func (p *program) updateCommand(u update) *cobra.Command {
	var fromStdin bool
	var reason, format string
	if u.args == nil {
		u.args = cobra.ExactArgs
	}
	cmd := &cobra.Command{
		Use: u.use, Short: u.short, Long: u.long, Example: u.example,
		Args:              usageArgs(withID(&fromStdin, u.rest, u.args)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.refuseKeys(append(args, reason)...); err != nil {
				return err
			}
			behind := args
			if !fromStdin {
				behind = args[1:]
			}
			request, err := u.request(behind)
			if err != nil {
				return err
			}
			client, id, err := p.toChange(cmd, fromStdin, args, reason)
			if err != nil {
				return err
			}
			k, err := client.Update(cmd.Context(), id, request)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, k)
			}
			fmt.Fprintln(p.stderr, u.done(k))
			return nil
		},
	}
	keyStdinFlag(cmd, &fromStdin)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	return cmd
}
