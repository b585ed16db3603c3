package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/keystore"
)

// refuseKeys refuses a key's text among the arguments: the shell's history and the process list hold it now.
func (p *program) refuseKeys(args ...string) error {
	if p.holdKey(args...) {
		return usagef("that is a key, now in your shell history; pipe it to --key-stdin")
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
		return keystore.Secret{}, usagef("that is a key, for everybody to see, where --key-file wants the path of a file that holds it")
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
