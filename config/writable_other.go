//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package config

import "io/fs"

// writable cannot be asked here; opening the file will tell.
func writable(string, bool) bool { return true }

// exposed cannot be told from a mode here.
func exposed(fs.FileInfo) bool { return false }
