package conformance

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the process when the test's process dies, so that no gateway stays behind.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
