package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// revokeFlags are what `keys revoke` was told beside the ids.
type revokeFlags struct {
	fromStdin, descendants, self, all, dryRun, yes bool

	account, workspace, createdBefore string // with all

	reason, format string
}

func (p *program) keysRevokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke ID... | --key-stdin | --self | --all",
		Short: "End keys for good, at once",
		Long: `End keys for good. A check that begins after the command has returned is denied;
requests and streams that Envoy already let through live on. It cannot be undone.
Revoking a revoked key is no error.

A key may have made others. They go on working, and the command says how many there
are, unless --descendants ends them too, with all that those made.

--all ends every key of --account, of --workspace (of any account, unless that is given
too), or that was made before --created-before, and if several are given those for which
all of it is true, in one step. --dry-run counts them first and changes nothing.

--self ends the key that --server is called with.`,
		Example: `  keygate keys revoke 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  keygate keys revoke 01KAR9Z6T0C5J1WQ8E2M3N4P5R --descendants --yes
  pbpaste | keygate keys revoke --key-stdin --yes --reason "seen in a public repository"
  keygate keys revoke --all --account acme --created-before 2026-01-31 --dry-run
  keygate keys revoke --all --workspace docs --yes --reason "left the company"
  keygate keys revoke --self --server https://keys.example.com --key-file key --yes`,
		Args: usageArgs(f.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.refuseKeys(append(args, f.reason)...); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			client, err := p.changeClient(f.reason)
			if err != nil {
				return err
			}
			switch {
			case f.all:
				return p.revokeAll(cmd, client, f)
			case f.self:
				return p.revokeSelf(cmd, client, f)
			case f.fromStdin:
				id, err := p.resolve(cmd, client, true, nil)
				if err != nil {
					return err
				}
				args = []string{id}
			}
			return p.revoke(cmd, client, args, f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.descendants, "descendants", false, "end all living keys that the key made, too")
	flags.BoolVar(&f.self, "self", false, "end the key that --server is called with")
	flags.BoolVar(&f.all, "all", false, "end all keys of --account or --workspace, or made before --created-before")
	flags.StringVar(&f.account, "account", "", "with --all: keys of this `ACCOUNT`")
	flags.StringVar(&f.workspace, "workspace", "", "with --all: keys of this `WORKSPACE`")
	flags.StringVar(&f.createdBefore, "created-before", "", "with --all: keys made before: "+pastHelp)
	flags.BoolVar(&f.dryRun, "dry-run", false, "with --all: count the keys and change nothing")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	keyStdinFlag(cmd, &f.fromStdin)
	reasonFlag(cmd, &f.reason)
	outputFlag(cmd, &f.format)
	return cmd
}

// args wants ids where nothing else says which keys are meant.
func (f *revokeFlags) args(cmd *cobra.Command, args []string) error {
	if f.fromStdin || f.self || f.all {
		return cobra.NoArgs(cmd, args)
	}
	return cobra.MinimumNArgs(1)(cmd, args)
}

// check refuses flags that contradict each other: what they mean together nobody should have to guess.
func (f *revokeFlags) check() error {
	choices := 0
	for _, chosen := range []bool{f.fromStdin, f.self, f.all} {
		if chosen {
			choices++
		}
	}
	bounds := f.account + f.workspace + f.createdBefore
	switch {
	case choices > 1:
		return usagef("--key-stdin, --self and --all exclude each other")
	case !f.all && bounds != "":
		return usagef("--account, --workspace and --created-before choose keys for --all: pass --all, or ids alone")
	case !f.all && f.dryRun:
		return usagef("--dry-run counts the keys that --all would end")
	case f.all && bounds == "":
		return usagef("--all wants --account, --workspace or --created-before: all keys at once cannot be meant")
	case f.descendants && (f.all || f.self):
		return usagef("--descendants goes with ids or --key-stdin")
	}
	return nil
}

// revoke looks at every key first, so that a mistyped id ends nothing, asks, and then ends them one by one. Any other
// failure does not stop the others: on leak day every key that can be ended is.
func (p *program) revoke(cmd *cobra.Command, client *admin.Client, ids []string, f revokeFlags) error {
	var keys []admin.KeyDetail
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
	if !f.yes && len(keys) > 0 {
		if err := p.confirmRevoke(keys, f.descendants); err != nil {
			return err
		}
	}
	revoked := []admin.Revocation{}
	for _, k := range keys {
		ended, err := client.Revoke(cmd.Context(), k.ID, f.descendants)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s was NOT revoked: %w", k.ID, err))
			continue
		}
		revoked = append(revoked, ended)
		if f.format == "" {
			p.tellRevoked(ended)
		}
	}
	if f.format == "json" {
		failed = append(failed, writeJSON(p.stdout, revoked))
	}
	return errors.Join(failed...)
}

// tellRevoked also tells what goes on working: whoever held a leaked key may have made others with it.
func (p *program) tellRevoked(r admin.Revocation) {
	fmt.Fprintf(p.stderr, "revoked %s %q", r.ID, r.Name)
	if r.Descendants > 0 {
		fmt.Fprintf(p.stderr, ", and %s that it made", things(r.Descendants, "key"))
	}
	fmt.Fprintln(p.stderr)
	if r.Living > 0 {
		fmt.Fprintf(p.stderr, "it made %s, still working: end them with `keygate keys revoke %s --descendants`\n", living(r.Living, "key"), r.ID)
	}
}

// confirmRevoke shows the keys on a terminal, with what they made, and asks.
func (p *program) confirmRevoke(keys []admin.KeyDetail, descendants bool) error {
	if isTerminal(p.stdin) {
		for _, k := range keys {
			fmt.Fprintf(p.stderr, "  %s %s %q (%s, %s)%s\n", k.ID, masked(k.Key), k.Name, k.Permission, k.Status, offspring(k.Made, descendants))
		}
	}
	return p.confirm("revoke for good?", things(len(keys), "key"))
}

func offspring(made int, descendants bool) string {
	switch {
	case made == 0:
		return ""
	case descendants:
		return ", and " + living(made, "key") + " that it made"
	}
	return "; it made " + living(made, "key") + ", which --descendants would end too"
}
