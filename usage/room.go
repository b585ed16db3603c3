package usage

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// reserve is the room that is left on the disk, for keys.db beside this file: a
// revoke may need some, and matters more. On a small disk it is a twentieth.
const reserve = 64 << 20

// room reports whether the disk has room for counts.
func room(path string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		return nil // then the write itself will tell
	}
	free, all := uint64(st.Bavail)*uint64(st.Bsize), uint64(st.Blocks)*uint64(st.Bsize)
	if free < min(reserve, all/20) {
		return fmt.Errorf("%w: what is left is for the keys", syscall.ENOSPC)
	}
	return nil
}
