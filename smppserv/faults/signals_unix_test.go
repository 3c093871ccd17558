//go:build unix

package faults

import (
	"os/exec"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

func TestSIGTERMStopsAWorkerThatNobodySupervises(t *testing.T) {
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"server.listen_port": testkit.FreePort(t), "tcp.listen_port": testkit.FreePort(t)})
	written := &testkit.Log{}
	cmd := exec.Command(testkit.Program(t, "smppserv"), "run", "--config", config)
	cmd.Stderr = written
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		written.Judge(t, "smppserv")
	})
	written.AwaitWords(t, " ready ") // stdin is at its end all along, and means nothing
	if _, err := testkit.Terminate(cmd.Process); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("smppserv after SIGTERM: %v", err)
	}
	written.AwaitWords(t, "stopped")
}

func TestTheWorkerEndsWhenItsLauncherIsKilled(t *testing.T) {
	port := testkit.FreePort(t)
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"server.listen_port": port, "tcp.listen_port": testkit.FreePort(t)})
	launcher := testkit.StartLauncher(t, config)
	launcher.AwaitPID(t, nil)
	c := testkit.Bind(t, testkit.Loopback(port), smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
	launcher.Kill(t)
	h, _ := c.Expect(smpp.CmdUnbind) // the worker says goodbye
	c.SendSeq(h.Sequence, &smpp.UnbindResp{})
	c.ExpectClosed(smpptest.Timeout)
	launcher.AwaitWorkerGone(t)
}
