package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/config"
)

// Where things are when nothing is said.
const (
	defaultConfigFile = "/etc/keygate/keygate.yaml"
	defaultSocket     = "/run/keygate/admin.sock"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is the process as its commands see it: what to read, where to write and what was said for all commands.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	configFlag  string // -c
	socketFlag  string // --socket
	serverFlag  string // --server
	keyFileFlag string // --key-file
}

// usageError is a command line that cannot be understood: exit code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.command()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, _, err := root.Find(args)
	if err == nil {
		err = refuseLine(cmd, args)
	}
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitDone
	}
	p.complain(err)
	if isUsage(err) {
		fmt.Fprintln(p.stderr, "see `keygate --help`, or --help after a command")
		return exitUsage
	}
	return exitFailed
}

// complain prints err. Problems of a configuration stand at the line's start, where editors look for file:line:column.
func (p *program) complain(err error) {
	if problems, ok := err.(*config.Problems); ok {
		fmt.Fprintln(p.stderr, problems)
		return
	}
	fmt.Fprintf(p.stderr, "keygate: %v%s\n", err, p.nextStep(err))
}

// isUsage also knows cobra's own error for an unknown command, which has no type.
func isUsage(err error) bool {
	return errors.As(err, new(usageError)) || strings.HasPrefix(err.Error(), "unknown command ")
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "keygate",
		Short:         "API keys for Envoy: checks every request, owns the life of every key",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVarP(&p.configFlag, "config", "c", "", "configuration `FILE` (default $KEYGATE_CONFIG, else "+defaultConfigFile+")")
	flags.StringVar(&p.socketFlag, "socket", "", "admin socket `PATH` of the running server (default $KEYGATE_SOCKET, else admin.socket of the configuration, else "+defaultSocket+")")
	flags.StringVar(&p.serverFlag, "server", "", "`URL` of a server to call over TCP, with the key of --key-file, instead of the socket (default $KEYGATE_SERVER)")
	flags.StringVar(&p.keyFileFlag, "key-file", "", "`FILE` that holds the key for --server, and nothing else (default $KEYGATE_KEY_FILE)")
	_ = root.RegisterFlagCompletionFunc("server", cobra.NoFileCompletions)
	root.AddCommand(p.serveCommand(), p.keysCommand(), p.auditCommand(), p.whoamiCommand(), p.consoleLinkCommand(), p.explainCommand(), p.routesCommand(), p.checkConfigCommand(),
		p.reloadCommand(), p.snippetCommand(), p.healthCommand(), p.storeCommand(), p.versionCommand())
	return root
}

// usageArgs makes wrong positional arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

// configFile is -c, else $KEYGATE_CONFIG, else the default.
func (p *program) configFile() string {
	if p.configFlag != "" {
		return p.configFlag
	}
	if file := p.getenv("KEYGATE_CONFIG"); file != "" {
		return file
	}
	return defaultConfigFile
}
