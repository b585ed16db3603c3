package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/extauthz/rules"
)

// routeRow is one line of `keygate routes`.
type routeRow struct {
	Pattern  string `json:"pattern"`
	Method   string `json:"method"`
	Requires string `json:"requires"`
}

func (p *program) routesCommand() *cobra.Command {
	var public bool
	var format string
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "Print what each pattern and method requires",
		Long: `Print what each pattern and method of the file requires. "*" in the method column
stands for every other method; the last line is what no pattern or method covers.
It reads the file and needs no server.`,
		Example: `  keygate routes -c keygate.yaml
  keygate routes --public`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			loaded, err := config.Load(p.configFile(), p.getenv)
			if err != nil {
				return err
			}
			rows := routeRows(loaded.Routes, public)
			if format == "json" {
				return writeJSON(p.stdout, rows)
			}
			return p.showRoutes(rows)
		},
	}
	cmd.Flags().BoolVar(&public, "public", false, "only what needs no key")
	outputFlag(cmd, &format)
	return cmd
}

// routeRows flattens the table; publicOnly keeps what needs no key.
func routeRows(table *rules.Table, publicOnly bool) []routeRow {
	rows := []routeRow{}
	for _, row := range table.Rows() {
		for _, m := range row.Methods {
			if !publicOnly || m.Requirement == rules.Public {
				rows = append(rows, routeRow{row.Pattern, m.Method, m.Requirement.String()})
			}
		}
	}
	if !publicOnly {
		rows = append(rows, routeRow{"default", "*", table.Default().String()})
	}
	return rows
}

func (p *program) showRoutes(rows []routeRow) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	lines := []string{"PATTERN\tMETHOD\tREQUIRES"}
	for _, row := range rows {
		lines = append(lines, row.Pattern+"\t"+row.Method+"\t"+row.Requires)
	}
	if _, err := fmt.Fprintln(table, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return table.Flush()
}
