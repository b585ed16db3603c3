package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

func (p *program) auditCommand() *cobra.Command {
	var filter admin.AuditFilter
	var fromStdin bool
	var since, format string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Say who changed what, and why",
		Long: `Say who changed what, oldest first: the time, what was done, to which key, by whom (the
uid at the socket, or the key and its address; in brackets who they claimed to be), from
which value to which, and why. -o json and -o csv have every field.`,
		Example: `  keygate audit --since 7d
  keygate audit --key 01KAR9Z6T0C5J1WQ8E2M3N4P5R --newest
  keygate audit --account acme --workspace docs --since 2026-01-31 -o csv
  pbpaste | keygate audit --key-stdin -o json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if fromStdin && filter.KeyID != "" {
				return usagef("--key and --key-stdin exclude each other")
			}
			if filter.Since, err = parsePast("since", since, time.Now()); err != nil {
				return err
			}
			client, id, err := p.toRead(cmd, fromStdin, []string{filter.KeyID})
			if err != nil {
				return err
			}
			filter.KeyID = id
			return p.audit(cmd, client, filter, p.auditListing(format))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&since, "since", "", "only changes since: "+pastHelp)
	flags.StringVar(&filter.KeyID, "key", "", "only changes of the key with this `ID`")
	flags.StringVar(&filter.Account, "account", "", "only changes of keys of this `ACCOUNT`")
	flags.StringVar(&filter.Workspace, "workspace", "", "only changes of keys of this `WORKSPACE`")
	flags.BoolVar(&filter.Newest, "newest", false, "the newest first")
	keyStdinFlag(cmd, &fromStdin)
	outputFlag(cmd, &format, "json", "csv")
	_ = cmd.RegisterFlagCompletionFunc("key", cobra.NoFileCompletions)
	cmd.AddCommand(p.auditVerifyCommand())
	return cmd
}

// audit walks all pages and writes as they come.
func (p *program) audit(cmd *cobra.Command, client *admin.Client, filter admin.AuditFilter, out listing[admin.AuditEntry]) error {
	seen := 0
	for e, err := range client.Audit(cmd.Context(), filter) {
		if err != nil {
			return err
		}
		if err := out.write(e); err != nil {
			return err
		}
		seen++
	}
	if seen == 0 && out.forPeople {
		fmt.Fprintln(p.stderr, "no changes like that")
	}
	return out.close()
}

func (p *program) auditListing(format string) listing[admin.AuditEntry] {
	switch format {
	case "json":
		return jsonListing[admin.AuditEntry](p.stdout)
	case "csv":
		return csvListing(p.stdout, auditColumns, auditCells)
	}
	return tableListing(p.stdout, auditHeader, auditRow)
}

// auditRow is the line for a change; auditHeader names its columns. What has no bound worth a column comes last.
const auditHeader = "TIME                  ACTION       KEY                         WHO                             WHAT\n"

func auditRow(e admin.AuditEntry) string {
	what := difference(e.From, e.To)
	if e.Reason != "" {
		what += fmt.Sprintf(" (%s)", e.Reason)
	}
	return fmt.Sprintf("%-20s  %-11s  %-26s  %-30s  %s\n", when(e.At, ""), e.Action, e.KeyID, author(e), strings.TrimSpace(what))
}

// author is who made a change: what is proven, and in brackets what was claimed.
func author(e admin.AuditEntry) string {
	who := string(e.Actor)
	if e.Address != "" {
		who += " at " + string(e.Address)
	}
	if e.Claimed != "" {
		who += " [" + string(e.Claimed) + "]"
	}
	return who
}

// difference tells what a change changed: "name=old->new", and "name=new" where nothing was before.
func difference(from, to map[string]string) string {
	var words []string
	for _, name := range fieldsOf(from, to) {
		was, had := from[name]
		is, has := to[name]
		switch {
		case had && has:
			words = append(words, name+"="+bare(was)+"->"+bare(is))
		case has:
			words = append(words, name+"="+bare(is))
		default:
			words = append(words, name+"="+bare(was)+"->")
		}
	}
	return strings.Join(words, " ")
}

func fieldsOf(from, to map[string]string) []string {
	names := slices.Sorted(maps.Keys(from))
	for name := range to {
		if _, both := from[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// bare quotes a value only where it would be taken for more than one.
func bare(s string) string {
	if s == "" || strings.ContainsAny(s, " \"=>") {
		return strconv.Quote(s)
	}
	return s
}

// auditColumns are the columns of the sheet, named as in JSON; auditCells fills them.
var auditColumns = []string{"seq", "at", "action", "key_id", "account", "workspace", "actor", "address", "claimed", "reason", "request_id", "from", "to"}

func auditCells(e admin.AuditEntry) []string {
	return []string{strconv.FormatUint(e.Seq, 10), csvTime(e.At), e.Action, string(e.KeyID), string(e.Account), string(e.Workspace),
		string(e.Actor), string(e.Address), string(e.Claimed), string(e.Reason), string(e.RequestID), jsonCell(e.From), jsonCell(e.To)}
}

// jsonCell is an object in one cell, or nothing where there is nothing in it.
func jsonCell(values map[string]string) string {
	if len(values) == 0 {
		return ""
	}
	text, _ := json.Marshal(values) // texts alone: never fails
	return string(text)
}

func (p *program) auditVerifyCommand() *cobra.Command {
	var head, format string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Say whether the audit is whole",
		Long: `Say whether the audit is whole: its records are a chain, and every log line about a
change has its head at that moment. With --head, one that was written down elsewhere,
it also finds an audit that was rewritten from some record on, or cut off. It exits 0 if
all is sound and 1 if not.`,
		Example: `  keygate audit verify
  keygate audit verify --head "$HEAD" -o json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			verdict, err := client.VerifyAudit(cmd.Context(), head)
			if err != nil {
				return err
			}
			return p.showVerdict(verdict, format)
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "a `HEAD` of before, as the log has it, which must still be in the audit")
	outputFlag(cmd, &format)
	return cmd
}

func (p *program) showVerdict(v admin.AuditVerdict, format string) error {
	var err error
	if format == "json" {
		err = writeJSON(p.stdout, v)
	} else {
		err = writeFields(p.stdout, "sound", fmt.Sprint(v.Sound), "records", fmt.Sprint(v.Count), "head", v.Head)
	}
	switch {
	case err != nil:
		return err
	case !v.Sound:
		return errors.New(v.Finding)
	}
	return nil
}
