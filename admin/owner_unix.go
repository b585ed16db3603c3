//go:build unix

package admin

import (
	"fmt"
	"os"
	"syscall"
)

// owner names the owner of a file, as far as we may look.
func owner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (uid %d)", st.Uid)
}
