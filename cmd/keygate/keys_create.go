package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

const expiresHelp = "when it stops working: a duration (90m, 30d, 2w), a date (its end in UTC), an RFC 3339 time, or never (`WHEN`)"

func (p *program) keysCreateCommand() *cobra.Command {
	var create admin.CreateRequest
	var operator bool
	var labels []string
	var expires, reason, format string
	cmd := &cobra.Command{
		Use:   "create NAME --permission read|write|full",
		Short: "Make a key; its text is shown this once",
		Long: `Make a key. Its text is shown this once and cannot be had again.

  read    Read Only: read documents, translations and workspace data
  write   Read & Write: also modify documents, create translations, manage content
  full    Full Access: every endpoint, workspace management included

--operator makes a key for the admin API instead: for a product's backend, Terraform
or CI. It manages the keys of every account, or of --account, or of --account and
--workspace; no check of Envoy's lets it pass. It is made over the Unix socket alone.

Without -o json the key alone goes to standard output, and the rest to standard
error, so that KEY=$(keygate keys create ...) works.

--if-absent makes no key where the account and workspace have one with the same label
id that has not come to its end, and exits 0. The text of that one cannot be shown:
standard output stays empty and standard error tells the id, so a script asks whether
KEY is empty; with -o json the object has the id, and "key" is null.

--idempotency-key names the call: repeated within 24 hours, after an answer that was
lost, it makes no second key but fails with the id of the first.`,
		Example: `  keygate keys create ci --permission read
  keygate keys create "nightly import" --permission write --expires 90d --account acme --workspace docs
  KEY=$(keygate keys create demo --permission full)
  keygate keys create deploy --permission write --label id=deploy --label env=prod --if-absent -o json
  keygate keys create terraform --operator --account acme
  keygate keys create ci --permission read --idempotency-key pipeline-4711`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := p.refuseKeys(append(labels, args[0], reason, create.IdempotencyKey)...); err != nil {
				return err
			}
			if create.Permission, err = permissionOf(create.Permission, operator); err != nil {
				return err
			}
			if create.Labels, err = parseLabels(labels); err != nil {
				return err
			}
			if create.IfAbsent && create.Labels[keystore.LabelID] == "" {
				return usagef("--if-absent looks for the label id: pass --label id=NAME, with a name of your own for the key")
			}
			client, err := p.changeClient(reason)
			if err != nil {
				return err
			}
			create.Name, create.Expires = args[0], given(cmd, "expires", &expires)
			made, text, err := client.Create(cmd.Context(), create)
			if err != nil {
				return err
			}
			return p.showOnce(made, text, format)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&create.Permission, "permission", "p", "", "what the key may do: read, write or full (`LEVEL`)")
	flags.BoolVar(&operator, "operator", false, "make a key for the admin API, which no check lets pass, instead")
	flags.StringVar(&create.Account, "account", "", "`ACCOUNT` that the key belongs to (default \"default\"; with --operator every account)")
	flags.StringVar(&create.Workspace, "workspace", "", "`WORKSPACE` of the account (default \"default\"; with --operator every workspace)")
	flags.StringVar(&expires, "expires", "", expiresHelp)
	flags.StringArrayVarP(&labels, "label", "l", nil, "a label, as `NAME=VALUE`; may be given up to 16 times")
	flags.BoolVar(&create.IfAbsent, "if-absent", false, "make no key if there is one with the same label id")
	idempotencyFlag(cmd, &create.IdempotencyKey)
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	completePermissions(cmd, "permission", "read", "write", "full")
	return cmd
}

func idempotencyFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "idempotency-key", "", "name of this call, so that repeating it within 24h makes no second key (`TEXT`)")
}

// permissionOf is that of the key to make, by the one of --permission and --operator that was given.
func permissionOf(level string, operator bool) (string, error) {
	switch {
	case operator && level != "":
		return "", usagef("--operator and --permission exclude each other")
	case operator:
		return keystore.Operator.String(), nil
	}
	if p, err := keystore.ParsePermission(level); err != nil || p == keystore.Operator {
		return "", usagef("--permission %q: want read, write or full; --operator makes a key for the admin API", level)
	}
	return level, nil
}

// given is the flag's value if the flag was given at all, so that an empty one is refused and not overlooked.
func given(cmd *cobra.Command, flag string, value *string) *string {
	if cmd.Flags().Changed(flag) {
		return value
	}
	return nil
}

// newKey is a key with its text, which is printed this once. It is null for a key that was there already.
type newKey struct {
	admin.Key
	Text admin.Text `json:"key"`
}

// showOnce prints a new key: its text alone on standard output, the talk on standard error. One that was there already
// has no text.
func (p *program) showOnce(k admin.Key, text keystore.Secret, format string) error {
	if format == "json" {
		return writeJSON(p.stdout, newKey{k, admin.Text(text.Reveal())})
	}
	description := fmt.Sprintf("%s %q: %s, %s, expires %s", k.ID, k.Name, k.Permission, scope(k.Account, k.Workspace), expiryWord(k))
	if text.Reveal() == "" {
		fmt.Fprintf(p.stderr, "exists already: %s\nno key was made, and the text of that one cannot be shown again; `keygate keys rotate %s` makes a new one for it\n",
			description, k.ID)
		return nil
	}
	fmt.Fprintf(p.stderr, "created %s\nthis is the only time that the key is shown:\n", description)
	_, err := fmt.Fprintln(p.stdout, text.Reveal())
	return err
}

func completePermissions(cmd *cobra.Command, flag string, levels ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp))
}
