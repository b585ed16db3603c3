package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/keystore"
)

// refuseLine refuses a whole command line with a key in it, before anything of it is repeated: the shell's history and
// the process list hold it now. What explain is asked about may hold one: a path is what a client sent.
func refuseLine(cmd *cobra.Command, args []string) error {
	if cmd.Name() == "explain" || cmd.Name() == cobra.ShellCompRequestCmd {
		return nil
	}
	for i, arg := range args {
		flag, value, assigned := strings.Cut(arg, "=")
		if !keystore.LooksLikeKey(arg, "ant_") && !(assigned && keystore.LooksLikeKey(value, "ant_")) {
			continue
		}
		if !assigned && i > 0 {
			flag = args[i-1]
		}
		if flag == "--key-file" || flag == "--server" {
			return usagef("that is a key, now in your shell history; put it into a file, and pass the file's path to --key-file")
		}
		return errKeyAsArgument
	}
	return nil
}

var errKeyAsArgument = usagef("that is a key, now in your shell history; pipe it to --key-stdin")

// refuseKeys does the same for arguments that may be a part of a key, under the prefix that the configuration says.
func (p *program) refuseKeys(args ...string) error {
	if p.holdKey(args...) {
		return errKeyAsArgument
	}
	return nil
}

// holdKey reports whether one of the arguments is a key, or a good part of one.
func (p *program) holdKey(args ...string) bool {
	prefix := ""
	if loaded, err := config.Load(p.configFile(), p.getenv); err == nil {
		prefix = loaded.Keys.Prefix
	}
	for _, arg := range args {
		if keystore.LooksLikeKey(arg, "ant_") || keystore.LooksLikeKey(arg, prefix) {
			return true
		}
	}
	return false
}

// maxKeyInput bounds what is read of standard input or a file, in bytes; no key is longer than 512.
const maxKeyInput = 4096

// readKey reads a key's text from standard input.
func (p *program) readKey() (keystore.Secret, error) {
	return readKeyFrom(p.stdin, "on standard input", "pipe its text in")
}

// readKeyFrom reads a key's text: one line, blanks around it dropped.
func readKeyFrom(r io.Reader, where, next string) (keystore.Secret, error) {
	input, err := io.ReadAll(io.LimitReader(r, maxKeyInput+1))
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("read the key %s: %w", where, err)
	}
	text := strings.TrimSpace(string(input))
	switch {
	case text == "":
		return keystore.Secret{}, fmt.Errorf("no key %s: %s", where, next)
	case len(input) > maxKeyInput, strings.ContainsAny(text, "\r\n"):
		return keystore.Secret{}, fmt.Errorf("more than one line %s, where one key's text belongs", where)
	}
	return keystore.NewSecret(text), nil
}

// readKeyFile reads the key that --server is called with. A file that others can read is no reason to stop, since they
// may have read it already, but is said.
func (p *program) readKeyFile(file string) (keystore.Secret, error) {
	if p.holdKey(file) {
		return keystore.Secret{}, usagef("that is a key, where the path of a file that holds it belongs: put it into one, and pass that to --key-file or $KEYGATE_KEY_FILE")
	}
	f, err := os.Open(file)
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("read the key for --server: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a folder")
	}
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("read the key for --server: %s: %w", file, err)
	}
	if info.Mode().IsRegular() && info.Mode()&0o044 != 0 {
		fmt.Fprintf(p.stderr, "warning: others can read the key in %s: chmod 600 %s\n", file, file)
	}
	return readKeyFrom(f, "in "+file, "put its text there, and nothing else")
}
