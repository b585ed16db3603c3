package usage

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// keptAside is how many broken files are kept. Each may be as large as a sound
	// one, and the disk is that of the keys.
	keptAside = 3

	asideStamp = "20060102T150405.000"
)

// moveAside gives way to a new file, and removes the oldest of those that were
// moved before. It returns errMoved, or why nothing was moved.
func (r *Recorder) moveAside(problem error) error {
	aside := r.path + ".broken-" + r.now().UTC().Format(asideStamp)
	if err := os.Rename(r.path, aside); err != nil {
		var link *os.LinkError
		if errors.As(err, &link) {
			err = link.Err // without the names: report wants the same text each time
		}
		return fmt.Errorf("%w; it cannot be moved aside: %w", problem, err)
	}
	r.log.Error("the usage file cannot be used and was moved aside; a new one begins, without what was counted before",
		slog.String("path", r.path), slog.String("moved_to", aside), slog.Any("error", problem))
	r.pruneAside()
	return errMoved
}

func (r *Recorder) pruneAside() {
	folder, base := filepath.Split(r.path)
	if folder == "" {
		folder = "."
	}
	entries, _ := os.ReadDir(folder)
	var names []string
	for _, e := range entries {
		if isAside(e.Name(), base) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // by time
	for len(names) > keptAside {
		_ = os.Remove(filepath.Join(folder, names[0]))
		names = names[1:]
	}
}

func isAside(name, base string) bool {
	prefix := base + ".broken-"
	if len(name) != len(prefix)+len(asideStamp) || name[:len(prefix)] != prefix {
		return false
	}
	_, err := time.Parse(asideStamp, name[len(prefix):])
	return err == nil
}
