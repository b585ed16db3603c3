package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

func (p *program) keysListCommand() *cobra.Command {
	var filter admin.ListFilter
	var idsOnly bool
	var labels []string
	var status, permission, format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List keys, masked, oldest first",
		Long: `List keys, oldest first: every status unless --status asks for one. Of a key's text
only its prefix and last 4 characters are ever shown. Several conditions choose the
keys that meet all of them.

-o csv is the sheet for an access review: RFC 4180, every field, times in UTC, labels
as a=1,b=2. A cell that a spreadsheet would take for a formula has an apostrophe in
front.`,
		Example: `  keygate keys list --status active
  keygate keys list --account acme --workspace docs -o json
  keygate keys list -l team=docs -l env=prod --newest
  keygate keys list --expiring 7d
  keygate keys list --unused 90d
  keygate keys list -o csv > keys.csv
  keygate keys list --account acme -q | xargs keygate keys revoke --yes`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if idsOnly && format != "" {
				return usagef("-q and -o %s exclude each other", format)
			}
			if filter.Status, filter.Permission, err = listChoices(status, permission); err != nil {
				return usageError{err}
			}
			if filter.Labels, err = labelQuery(labels); err != nil {
				return err
			}
			client, err := p.client()
			if err != nil {
				return err
			}
			return p.list(cmd, client, filter, p.keyListing(idsOnly, format))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Account, "account", "", "only keys of this `ACCOUNT`")
	flags.StringVar(&filter.Workspace, "workspace", "", "only keys of this `WORKSPACE`")
	flags.StringVar(&status, "status", "", "only keys that are active, retiring, disabled, expired or revoked (`STATUS`)")
	flags.StringVar(&permission, "permission", "", "only keys with this permission: read, write, full or operator (`LEVEL`)")
	flags.StringArrayVarP(&labels, "label", "l", nil, "only keys with this label, as `NAME=VALUE`; may be given more than once")
	flags.StringVar(&filter.Name, "name", "", "only keys whose name begins so, in any case (`PREFIX`)")
	flags.StringVar(&filter.Last4, "last4", "", "only keys whose text ends so (`CHARS`)")
	flags.StringVar(&filter.Expiring, "expiring", "", "only keys that work and end by themselves within a `DURATION`, such as 7d")
	flags.StringVar(&filter.Unused, "unused", "", "only keys that have not ended and were not used for a `DURATION`, such as 90d")
	flags.BoolVar(&filter.Newest, "newest", false, "the newest first")
	flags.BoolVarP(&idsOnly, "quiet", "q", false, "print ids alone")
	outputFlag(cmd, &format, "json", "csv")
	completePermissions(cmd, "permission", "read", "write", "full", "operator")
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
func (p *program) list(cmd *cobra.Command, client *admin.Client, filter admin.ListFilter, out listing[admin.Key]) error {
	seen := 0
	for k, err := range client.List(cmd.Context(), filter) {
		if err != nil {
			return err
		}
		if err := out.write(k); err != nil {
			return err
		}
		seen++
	}
	if err := out.close(); err != nil {
		return err
	}
	if seen == 0 && out.forPeople {
		fmt.Fprintln(p.stderr, noKeys(filter))
	}
	return nil
}

func noKeys(filter admin.ListFilter) string {
	if filter != (admin.ListFilter{Newest: filter.Newest}) {
		return "no keys like that; `keygate keys list` shows all"
	}
	return "no keys; `keygate keys create NAME --permission read` makes one"
}

// keyListing is the form of a list of keys.
func (p *program) keyListing(idsOnly bool, format string) listing[admin.Key] {
	switch {
	case format == "json":
		return jsonListing[admin.Key](p.stdout)
	case format == "csv":
		return csvListing(p.stdout, keyColumns, keyCells)
	case idsOnly:
		return listing[admin.Key]{
			write: func(k admin.Key) error { _, err := fmt.Fprintln(p.stdout, k.ID); return err },
			close: func() error { return nil },
		}
	}
	now := time.Now()
	return tableListing(p.stdout, keyHeader, func(k admin.Key) string { return keyRow(k, now) })
}

// keyRow is the list's line for k; keyHeader names its columns. The name comes last since it alone has no bound worth a column.
const keyHeader = "ID                          KEY                 PERMISSION  STATUS    WORKSPACE            LAST USED   EXPIRES               NAME\n"

func keyRow(k admin.Key, now time.Time) string {
	return fmt.Sprintf("%-26s  %-18s  %-10s  %-8s  %-19s  %-10s  %-20s  %s\n",
		k.ID, masked(k), k.Permission, k.Status, scope(k.Account, k.Workspace), ago(k.LastUsedAt, now), expiryWord(k), k.Name)
}

// keyColumns are the columns of the access-review sheet, named as in JSON; keyCells fills them.
var keyColumns = []string{"id", "name", "permission", "account", "workspace", "prefix", "last4", "status", "created_at", "expires_at", "revoked_at",
	"last_used_at", "created_by", "labels", "replaces", "replaced_by", "retire_when_unused"}

func keyCells(k admin.Key) []string {
	return []string{k.ID, k.Name, k.Permission.String(), string(k.Account), string(k.Workspace), k.Prefix, k.Last4, string(k.Status),
		csvTime(k.CreatedAt), csvTime(k.ExpiresAt), csvTime(k.RevokedAt), csvTime(k.LastUsedAt), string(k.CreatedBy), labelWords(k.Labels),
		string(k.Replaces), string(k.ReplacedBy), string(k.RetireWhenUnused)}
}
