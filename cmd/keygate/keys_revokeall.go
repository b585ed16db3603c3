package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// revokeAll counts first, so that the question and --dry-run name a number.
func (p *program) revokeAll(cmd *cobra.Command, client *admin.Client, f revokeFlags) error {
	before, err := parsePast("created-before", f.createdBefore, time.Now())
	if err != nil {
		return err
	}
	ask := admin.RevokeAllRequest{Account: f.account, Workspace: f.workspace, CreatedBefore: admin.Time{Time: before}, DryRun: true}
	counted, err := client.RevokeAll(cmd.Context(), ask)
	if err != nil {
		return err
	}
	what := things(counted.Count, "living key") + chosenBy(ask)
	switch {
	case f.dryRun && f.format == "json":
		return writeJSON(p.stdout, counted)
	case f.dryRun:
		_, err := fmt.Fprintf(p.stdout, "%s would be revoked\n", what)
		return err
	case !f.yes:
		if err := p.confirm("revoke "+what+" for good?", what); err != nil {
			return err
		}
	}
	ask.DryRun = false
	done, err := client.RevokeAll(cmd.Context(), ask)
	if err != nil {
		return err
	}
	if f.format == "json" {
		return writeJSON(p.stdout, done)
	}
	fmt.Fprintf(p.stderr, "revoked %s%s\n", things(done.Count, "key"), chosenBy(ask))
	return nil
}

// chosenBy names the keys that a request is about.
func chosenBy(r admin.RevokeAllRequest) string {
	words := ""
	if r.Account != "" {
		words += " of account " + r.Account
	}
	if r.Workspace != "" {
		words += " of workspace " + r.Workspace
		if r.Account == "" {
			words += " of any account"
		}
	}
	if !r.CreatedBefore.IsZero() {
		words += " made before " + when(r.CreatedBefore, "")
	}
	return words
}

// revokeSelf ends the key of --key-file. Only whoami tells a key about itself.
func (p *program) revokeSelf(cmd *cobra.Command, client *admin.Client, f revokeFlags) error {
	who, err := client.Whoami(cmd.Context())
	switch {
	case err != nil:
		return err
	case who.Key == nil:
		return usagef("--self ends the key that --server is called with; the socket asks for none: name the key to revoke")
	case !f.yes:
		k := who.Key
		question := fmt.Sprintf("  %s %s %q (%s, %s)\nrevoke this key, which you call with, for good?", k.ID, masked(*k), k.Name, k.Permission, k.Status)
		if err := p.confirm(question, "the key of --key-file"); err != nil {
			return err
		}
	}
	ended, err := client.RevokeSelf(cmd.Context())
	if err != nil {
		return err
	}
	if f.format == "json" {
		return writeJSON(p.stdout, ended)
	}
	fmt.Fprintf(p.stderr, "revoked %s %q\n", ended.ID, ended.Name)
	return nil
}
