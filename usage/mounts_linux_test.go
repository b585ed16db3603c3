package usage

import (
	"os"
	"os/exec"
	"syscall"
)

// ownMounts gives a child a user and a mount namespace of its own, which needs
// no privilege where the system allows it at all.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

func mountTmpfs(folder string) error {
	return syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=512k")
}

// unprivileged gives a child a user namespace in which it is not root, so that it
// has no more rights to files than their owner.
func unprivileged(cmd *exec.Cmd) {
	const id = 1000
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getgid(), Size: 1}},
		Credential:  &syscall.Credential{Uid: id, Gid: id, NoSetGroups: true},
	}
}
