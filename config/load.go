package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
)

// Load reads a configuration file of at most 1 MiB. getenv looks up the
// environment variables that override the file; nil means none.
//
// The error is a *Problems with every problem of the file, or with the one
// reason why it cannot be read, which errors.Is then finds.
func Load(file string, getenv func(string) string) (*Config, error) {
	data, err := read(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	return Parse(file, data, getenv)
}

// read stops after the first byte too many.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	return data, errors.Join(err, f.Close())
}

func unreadable(file string, err error) *Problems {
	message := "cannot be read"
	var detail *fs.PathError
	if errors.As(err, &detail) {
		message = fmt.Sprintf("cannot be read: %v", detail.Err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		message += ": name the file with -c or $KEYGATE_CONFIG"
	}
	return &Problems{List: []Problem{{File: file, Message: message}}, cause: err}
}

// Parse reads a configuration from memory; the name of its file is used in
// problems and to resolve relative paths. It touches no file, is a pure function
// of its arguments, and never panics. Its error is a *Problems.
func Parse(file string, data []byte, getenv func(string) string) (*Config, error) {
	r := &report{file: file}
	source, ok := r.plainText(data)
	if !ok {
		return nil, r.err()
	}
	root, ok := r.tree(source)
	if !ok {
		r.clamp(source)
		return nil, r.err()
	}
	c := defaults()
	c.File = file
	d := decoder{report: r, folder: filepath.Dir(file), at: c.at}
	d.section(root, "", reflect.ValueOf(c).Elem())
	d.environment(reflect.ValueOf(c).Elem(), getenv)
	d.buildTable(c)
	d.checkExpect(c)
	c.checkTogether(r)
	r.clamp(source)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}
