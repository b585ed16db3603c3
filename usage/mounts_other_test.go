//go:build !linux

package usage

import (
	"errors"
	"os/exec"
)

func ownMounts(*exec.Cmd) {}

func mountTmpfs(string) error { return errors.ErrUnsupported }

func unprivileged(*exec.Cmd) {}
