package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// maxBadShown is how many bad lines are told one by one.
const maxBadShown = 100

func (p *program) keysImportCommand() *cobra.Command {
	var dryRun bool
	var lines, reason, format string
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Bring keys from elsewhere, all or none",
		Long: `Bring keys from elsewhere, all or none, from a file or (-) from standard input. It is
JSON Lines, an object a line, or CSV (RFC 4180), whose first line names the columns.
Either has these fields, of which a key wants name, permission, and key or digest:

` + importFields() + `
A key in clear is read once and never stored; a digest is sha256: and 64 hexadecimal
digits, or what an export of a server with the same pepper has. A key that is there
already, in whatever state, is a bad line. Every bad line is told with its number, and
one is enough for nothing to be imported. No key works before all do.`,
		Example: `  keygate keys import keys.csv --dry-run
  keygate keys import keys.csv --reason "from the old gateway"
  keygate keys import - --format jsonl < keys.jsonl`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]string{"", "jsonl", "csv"}, lines) {
				return usagef("--format %q: want jsonl or csv", lines)
			}
			client, err := p.changeClient(reason)
			if err != nil {
				return err
			}
			file, err := p.openImport(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal finds its default again: the end, at once
			done, err := p.importLines(ctx, client, importLines(args[0], lines, untilDone(ctx, file)), dryRun)
			if err != nil {
				return err
			}
			return p.showImported(args[0], done, dryRun, format)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&dryRun, "dry-run", false, "judge every line, and import nothing")
	flags.StringVar(&lines, "format", "", "what the file is: jsonl or csv (`FORMAT`; default by its name, else by how it begins)")
	reasonFlag(cmd, &reason)
	outputFlag(cmd, &format)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"jsonl", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// importFields are the names of the fields, a few a line.
func importFields() string {
	text := ""
	for line := range slices.Chunk(keystore.ImportFields(), 7) {
		text += " "
		for _, name := range line {
			text += " " + name
		}
		text += "\n"
	}
	return text
}

func (p *program) openImport(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(p.stdin), nil
	}
	return os.Open(file)
}

// untilDone reads r until ctx ends, also where r gives nothing, as a terminal may. A reading that hangs ends with the
// process.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	read, write := io.Pipe()
	context.AfterFunc(ctx, func() { _ = write.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(write, r)
		_ = write.CloseWithError(err)
	}()
	return read
}

// importLines reads a file in a format; "" guesses it from the name, or else from how the file begins.
func importLines(file, format string, r io.Reader) iter.Seq2[admin.ImportText, error] {
	b := bufio.NewReader(r)
	if format == "" {
		format = formatOf(file, b)
	}
	if format == "csv" {
		return admin.CSVLines(b)
	}
	return admin.JSONLines(b)
}

// formatOf takes what begins like JSON for JSON Lines, and everything else for CSV, whose first line names columns.
func formatOf(file string, b *bufio.Reader) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv":
		return "csv"
	case ".jsonl", ".ndjson", ".json":
		return "jsonl"
	}
	if first := firstByte(b); first == 0 || first == '{' || first == '[' {
		return "jsonl"
	}
	return "csv"
}

// firstByte looks at the first byte that is neither blank nor of the mark that editors write in front; 0 is none. It
// waits for no more of the input than it needs.
func firstByte(b *bufio.Reader) byte {
	for n := 1; n <= 256; n++ {
		begin, err := b.Peek(n)
		text := bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\ufeff")), " \t\r\n")
		if len(text) > 0 && (err != nil || !bytes.HasPrefix([]byte("\ufeff"), text)) {
			return text[0]
		}
		if err != nil {
			break
		}
	}
	return 0
}

// importLines imports all lines or none, and counts them on a terminal. When ctx ends, the lines end with its error, and
// what was sent is removed. No call is broken off: an import that begins and is not heard of keeps others out for a while.
func (p *program) importLines(ctx context.Context, client *admin.Client, lines iter.Seq2[admin.ImportText, error], dryRun bool) (admin.Imported, error) {
	progress := p.progress("lines")
	defer progress.end()
	done, err := client.Import(context.WithoutCancel(ctx), lines, dryRun, progress.show)
	switch {
	case err == nil, errors.As(err, new(*admin.AnswerLostError)): // which says itself that nobody knows
		return done, err
	case errors.Is(err, context.Canceled):
		return done, errors.New("interrupted; nothing was imported")
	}
	return done, fmt.Errorf("nothing was imported: %w", err)
}

// showImported tells what came of it: every bad line where editors look for file:line, or how many keys came.
func (p *program) showImported(file string, done admin.Imported, dryRun bool, format string) error {
	if done.BadLines > 0 {
		return p.showBadLines(file, done)
	}
	if format == "json" {
		return writeJSON(p.stdout, map[string]any{"imported": done.Count, "dry_run": dryRun})
	}
	if dryRun {
		fmt.Fprintf(p.stderr, "%s would be imported; nothing was changed\n", things(done.Count, "key"))
		return nil
	}
	fmt.Fprintf(p.stderr, "imported %s\n", things(done.Count, "key"))
	return nil
}

func (p *program) showBadLines(file string, done admin.Imported) error {
	if file == "-" {
		file = "standard input"
	}
	shown := done.Bad[:min(len(done.Bad), maxBadShown)]
	for _, bad := range shown {
		fmt.Fprintf(p.stderr, "%s:%d: %s\n", file, bad.Line, bad.Problem)
	}
	if more := done.BadLines - len(shown); more > 0 {
		fmt.Fprintf(p.stderr, "and %s more\n", things(more, "bad line"))
	}
	return fmt.Errorf("%s of %d; nothing was imported", things(done.BadLines, "bad line"), done.Lines)
}
