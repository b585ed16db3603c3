package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
)

// How far back usage is kept.
const (
	usageHours = 48
	usageDays  = 90
)

func (p *program) keysUsageCommand() *cobra.Command {
	var fromStdin bool
	var hours, days int
	var format string
	cmd := &cobra.Command{
		Use:   "usage ID",
		Short: "Show what uses a key: when it was last used, and how much",
		Long: `Show when a key was first seen and last used, from which address, and how many checks
were allowed and denied: in all, by reason, by hour and by day, in UTC. Hours and days
without a check are left out. -o json has all that is kept: 48 hours and 90 days.`,
		Example: `  keygate keys usage 01KAR9Z6T0C5J1WQ8E2M3N4P5R
  keygate keys usage 01KAR9Z6T0C5J1WQ8E2M3N4P5R --hours 48 --days 90
  pbpaste | keygate keys usage --key-stdin -o json`,
		Args:              usageArgs(idOrStdin(&fromStdin, 0)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if hours < 0 || hours > usageHours || days < 0 || days > usageDays {
				return usagef("--hours wants 0 to %d, and --days 0 to %d: that is how far back usage is kept", usageHours, usageDays)
			}
			client, id, err := p.toRead(cmd, fromStdin, args)
			if err != nil {
				return err
			}
			used, err := client.Usage(cmd.Context(), id)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(p.stdout, used)
			}
			return showUsage(p.stdout, used, hours, days, time.Now())
		},
	}
	cmd.Flags().IntVar(&hours, "hours", 24, "show the last `N` hours, up to 48")
	cmd.Flags().IntVar(&days, "days", 30, "show the last `N` days, up to 90")
	keyStdinFlag(cmd, &fromStdin)
	outputFlag(cmd, &format)
	return cmd
}

func showUsage(w io.Writer, u admin.KeyUsage, hours, days int, now time.Time) error {
	last := ago(u.LastUsedAt, now)
	if !u.LastUsedAt.IsZero() {
		last += ", " + when(u.LastUsedAt, "")
	}
	err := writeFields(w, "id", u.KeyID, "last used", last, "first seen", when(u.FirstSeen, ""), "address", string(u.LastAddress),
		"allowed", fmt.Sprint(u.Allowed), "denied", fmt.Sprint(u.Denied))
	if err != nil {
		return err
	}
	for _, table := range []struct {
		header string
		rows   []string
	}{
		{"REASON\tCHECKS", reasonRows(u.ByReason)},
		{"HOUR (UTC)\tALLOWED\tDENIED", bucketRows(u.Hours, "2006-01-02 15:00", now.Add(-time.Duration(hours)*time.Hour))},
		{"DAY (UTC)\tALLOWED\tDENIED", bucketRows(u.Days, time.DateOnly, now.AddDate(0, 0, -days))},
	} {
		if err := showTable(w, table.header, table.rows); err != nil {
			return err
		}
	}
	return nil
}

// reasonRows have the most frequent reason first.
func reasonRows(reasons map[string]uint64) (rows []string) {
	names := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), strings.Compare(a, b))
	})
	for _, name := range names {
		rows = append(rows, fmt.Sprintf("%s\t%d", name, reasons[name]))
	}
	return rows
}

// bucketRows are those hours or days that begin after since.
func bucketRows(buckets []admin.UsageBucket, layout string, since time.Time) (rows []string) {
	for _, b := range buckets {
		if b.Start.After(since) {
			rows = append(rows, fmt.Sprintf("%s\t%d\t%d", b.Start.UTC().Format(layout), b.Allowed, b.Denied))
		}
	}
	return rows
}

// showTable prints a table behind an empty line; none where there are no rows.
func showTable(w io.Writer, header string, rows []string) error {
	if len(rows) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintf(table, "\n%s\n%s\n", header, strings.Join(rows, "\n")); err != nil {
		return err
	}
	return table.Flush()
}
