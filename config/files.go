package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	shortestPepper = 32
	longestPepper  = 64 << 10
)

// CheckFiles looks at what the configuration needs of the machine, and reports
// everything that is missing at once: that the pepper can be read and is long
// enough, that the certificate of admin.listen fits its key, that the folders of
// the database and of the sockets exist and can be written to, and that nothing
// else is in a socket's place. It creates and changes nothing. Ports are left to
// whoever listens on them.
func (c *Config) CheckFiles() []Problem {
	r := &report{}
	if _, err := c.Store.ReadPepper(); err != nil {
		r.list = append(r.list, c.about("store.pepper_file", "%v", err))
	}
	r.list = append(r.list, c.checkStore()...)
	r.list = append(r.list, c.checkTLS()...)
	for _, s := range append(c.authzSockets(), socket{"admin.socket", c.Admin.Socket}) {
		r.list = append(r.list, c.checkSocketFile(s)...)
	}
	if len(c.sharedFolder(filepath.Clean)) == 0 { // else Parse has refused it
		r.list = append(r.list, c.sharedFolder(realFolder)...)
	}
	return r.sorted()
}

// realFolder follows symbolic links where the folder exists.
func realFolder(folder string) string {
	if absolute, err := filepath.Abs(folder); err == nil {
		folder = absolute
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		return real
	}
	return folder
}

func (c *Config) checkStore() []Problem {
	if problem := folderProblem(filepath.Dir(c.Store.Path)); problem != "" {
		return []Problem{c.about("store.path", "%s", problem)}
	}
	info, err := os.Stat(c.Store.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []Problem{c.about("store.path", "found %s, which cannot be looked at: %v", quote(c.Store.Path), plain(err))}
	case !info.Mode().IsRegular():
		return []Problem{c.about("store.path", "found %s, which is %s, expected a file or nothing yet", quote(c.Store.Path), kindOfFile(info))}
	case !writable(c.Store.Path, false):
		return []Problem{c.about("store.path", "found %s, which this user cannot write, expected a file of its own", quote(c.Store.Path))}
	}
	return nil
}

func (c *Config) checkSocketFile(s socket) []Problem {
	if problem := folderProblem(filepath.Dir(s.path)); problem != "" {
		return []Problem{c.about(s.field, "%s", problem)}
	}
	info, err := os.Lstat(s.path)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		return []Problem{c.about(s.field, "found %s, which is %s, expected a socket or nothing yet", quote(s.path), kindOfFile(info))}
	}
	return nil
}

// folderProblem says why nothing can be created in a folder; it is empty if it can.
func folderProblem(folder string) string {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("found no folder %s, expected it to exist: create it, owned by the user that runs keygate", quote(folder))
	case err != nil:
		return fmt.Sprintf("found the folder %s, which cannot be looked at: %v", quote(folder), plain(err))
	case !info.IsDir():
		return fmt.Sprintf("found %s, which is %s, expected a folder", quote(folder), kindOfFile(info))
	case !writable(folder, true):
		return fmt.Sprintf("found the folder %s, which this user cannot write to, expected one owned by the user that runs keygate", quote(folder))
	}
	return ""
}

// plain is an error without the path, which the message names already.
func plain(err error) error {
	var detail *fs.PathError
	if errors.As(err, &detail) {
		return detail.Err
	}
	return err
}

func kindOfFile(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "a folder"
	case info.Mode()&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.Mode().IsRegular():
		return "a file"
	}
	return "a special file"
}

// ReadPepper reads the pepper: the bytes of pepper_file as they are, except for
// one newline at the end, since that is what editors and `echo` add. It is nil
// without an error when no file is configured, and an error when the file cannot
// be read or holds less than 32 bytes or more than 64 KiB. The caller keeps the
// pepper to itself; no error names it, nor the file, whose name could be a pepper
// pasted by mistake.
func (s *Store) ReadPepper() ([]byte, error) {
	if s.PepperFile == "" {
		return nil, nil
	}
	f, err := os.Open(s.PepperFile)
	if err != nil {
		return nil, fmt.Errorf("found a pepper file that cannot be read: %w", plain(err))
	}
	defer f.Close() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, longestPepper+2))
	if err != nil {
		return nil, fmt.Errorf("found a pepper file that cannot be read: %w", plain(err))
	}
	pepper := bytes.TrimSuffix(data, []byte("\n"))
	if len(pepper) < shortestPepper || len(pepper) > longestPepper {
		return nil, fmt.Errorf("found a pepper of %s, expected %d bytes or more: make one with `openssl rand -hex 32`", sizeOf(pepper), shortestPepper)
	}
	return pepper, nil
}

func sizeOf(pepper []byte) string {
	if len(pepper) > longestPepper {
		return "more than 64 KiB"
	}
	return fmt.Sprintf("%d bytes", len(pepper))
}
