package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Answer Envoy's checks and manage keys until stopped",
		Long: `Answer Envoy's external-authorization checks and manage keys until stopped.

SIGTERM or SIGINT drains: health goes NOT_SERVING, checks in flight finish, and
the process ends within seconds. A second signal ends it at once. SIGHUP reloads
the configuration, as ` + "`keygate reload`" + ` does.`,
		Example: "  keygate serve -c keygate.yaml",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serve(cmd.Context())
		},
	}
}

// serve runs a server under the process's signals.
func (p *program) serve(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal finds its default again: the end, at once

	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	s, err := p.openServer(p.configFile())
	if err != nil {
		return err
	}
	return s.run(ctx, hangup)
}
