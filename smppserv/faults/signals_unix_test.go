//go:build unix

package faults

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// stopLauncher asks for a polite stop and requires exit code 0.
func stopLauncher(t *testing.T, launcher *exec.Cmd) {
	t.Helper()
	terminate(t, launcher)
}

func terminate(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s after SIGTERM: %v", filepath.Base(cmd.Path), err)
	}
}

func TestSIGTERMStopsAWorkerThatNobodySupervises(t *testing.T) {
	config := writeConfig(t, t.TempDir(), settings{"server.listen_port": freePort(t), "tcp.listen_port": freePort(t)})
	written := newLog()
	cmd := exec.Command(program(t, "smppserv"), "run", "--config", config)
	cmd.Stderr = written
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		written.judge(t, "smppserv")
	})
	written.awaitWords(t, " ready ") // stdin is at its end all along, and means nothing
	terminate(t, cmd)
	written.awaitWords(t, "stopped")
}

func TestTheWorkerEndsWhenItsLauncherIsKilled(t *testing.T) {
	port := freePort(t)
	config := writeConfig(t, t.TempDir(), settings{"server.listen_port": port, "tcp.listen_port": freePort(t)})
	launcher, log := startLauncher(t, config)
	awaitPID(t, log, nil)
	c := smpptest.Dial(t, loopback(port))
	c.Bind(smpp.CmdBindTransceiver, testClient, testPassword, smpp.V34)
	kill9(t, launcher.Process.Pid)
	h, _ := c.Expect(smpp.CmdUnbind) // the worker says goodbye
	c.SendSeq(h.Sequence, &smpp.UnbindResp{})
	c.ExpectClosed(smpptest.Timeout)
	awaitStoreFree(t, config)
}
