package envoy

import (
	"os/exec"
	"syscall"
)

// leaveNoOrphan makes cmd die with the test binary, also when that is killed or
// runs out of time and has no chance to clean up.
func leaveNoOrphan(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
