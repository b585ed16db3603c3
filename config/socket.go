package config

import (
	"path/filepath"
	"reflect"
)

// AdminSocket gives admin.socket of a file whose other settings may be wrong: a slip in the routes must not keep
// anyone from revoking a key on the running server. It is the default where the file leaves it out. The error is
// the *Problems of a file that cannot be read as YAML, or whose line with the socket is at fault.
func AdminSocket(file string) (string, error) {
	data, err := read(file)
	if err != nil {
		return "", unreadable(file, err)
	}
	r := &report{file: file}
	source, ok := r.plainText(data)
	if !ok {
		return "", r.err()
	}
	root, ok := r.tree(source)
	if !ok || r.extra {
		return "", r.err()
	}
	c := defaults()
	d := decoder{report: r, folder: filepath.Dir(file), at: c.at}
	d.section(root, "", reflect.ValueOf(c).Elem())
	for _, problem := range r.list {
		if problem.Line != 0 && problem.Line == c.at["admin.socket"].line {
			return "", r.err()
		}
	}
	return c.Admin.Socket, nil
}
