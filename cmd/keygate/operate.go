package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/envoy"
)

func (p *program) checkConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config [FILE]",
		Short: "Check a configuration file and everything it expects",
		Long: `Check a configuration file: fields, types, rules and its own expect lines. Every
problem is printed with its line, and warnings about what is legal but surprising.
It needs no server and creates nothing.`,
		Example: "  keygate check-config keygate.yaml",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			file := p.configFile()
			if len(args) == 1 {
				file = args[0]
			}
			loaded, err := config.Load(file, p.getenv)
			if err != nil {
				return err
			}
			for _, warning := range loaded.Warnings() {
				fmt.Fprintf(p.stderr, "warning: %s\n", warning)
			}
			_, err = fmt.Fprintf(p.stdout, "%s: good: %d routes, default %s, %d expectations hold\n",
				file, len(loaded.Routes.Rows()), loaded.Routes.Default(), len(loaded.Expect))
			return err
		},
	}
}

func (p *program) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Make the running server read its configuration again",
		Long: `Make the running server read its configuration again. Routes, default, expect and
responses change in one step; a request sees the old rules or the new ones whole. A bad
file changes nothing. What only a restart applies is named.`,
		Example: "  keygate reload",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			done, err := client.Reload(cmd.Context())
			if err != nil {
				return err
			}
			for _, warning := range done.Warnings {
				fmt.Fprintf(p.stderr, "warning: %s\n", warning)
			}
			for _, key := range done.NeedsRestart {
				fmt.Fprintf(p.stderr, "not applied: %s changed, which takes a restart\n", key)
			}
			fmt.Fprintf(p.stderr, "reloaded: %d routes in force\n", done.Routes)
			return nil
		},
	}
}

func (p *program) snippetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snippet",
		Short: "Print configuration of other programs that fits this one",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "envoy",
		Short:   "Print the Envoy filter and cluster for the configuration, ready to paste",
		Example: "  keygate snippet envoy -c keygate.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			loaded, err := config.Load(p.configFile(), p.getenv)
			if err != nil {
				return err
			}
			address, err := reachable(loaded.Listen[0])
			if err != nil {
				return err
			}
			text, err := envoy.Snippet(envoy.Params{Address: address, HeaderPrefix: loaded.Responses.HeaderPrefix, ClientAddress: loaded.Usage.ClientAddress})
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(p.stdout, text)
			return err
		},
	})
	return cmd
}

// reachable is an address as another program can use it: Envoy runs in a folder of its own.
func reachable(a config.Address) (envoy.Address, error) {
	if a.Network != "unix" {
		return envoy.Address(a), nil
	}
	path, err := filepath.Abs(a.Address)
	return envoy.Address{Network: a.Network, Address: path}, err
}

func (p *program) healthCommand() *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Exit 0 if the running server answers",
		Example: `  keygate health
  keygate health --ready`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := p.client()
			if err != nil {
				return err
			}
			if err := client.Health(cmd.Context(), ready); err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.stdout, "ok")
			return err
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "also ask whether Envoy may send checks, as /readyz does")
	return cmd
}

func (p *program) versionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print which keygate this is",
		Example: "  keygate version -o json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			build := buildInfo()
			if format == "json" {
				return writeJSON(p.stdout, map[string]string{
					"version": build.Version, "revision": build.Revision, "go": build.GoVersion,
				})
			}
			_, err := fmt.Fprintf(p.stdout, "keygate %s (revision %s, %s)\n", build.Version, build.Revision, build.GoVersion)
			return err
		},
	}
	outputFlag(cmd, &format)
	return cmd
}
