//go:build !windows

package worker

import (
	"os"
	"os/exec"
	"syscall"
)

// tree is the worker and its children: a process group of their own, which a
// terminal's Ctrl-C does not reach.
type tree struct{ group int }

func startTree(cmd *exec.Cmd) (tree, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return tree{}, err
	}
	return tree{group: cmd.Process.Pid}, nil
}

func (t tree) kill() { _ = syscall.Kill(-t.group, syscall.SIGKILL) }

// release ends what the worker left behind.
func (t tree) release() { t.kill() }

func dumpStacks(p *os.Process) bool { return p.Signal(syscall.SIGQUIT) == nil }
