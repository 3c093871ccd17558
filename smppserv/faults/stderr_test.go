package faults

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestAWorkerWhoseStderrNobodyTakesGoesOnAndTellsLaterWhatItLeftOut(t *testing.T) {
	folder := t.TempDir()
	config := testkit.WriteConfig(t, folder, testkit.Settings{"log.level": "trace", "hermes.url": "simulator"})
	stderr, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd := exec.Command(testkit.Program(t, "smppserv"), "run", "--config", config, "--supervised")
	cmd.Dir, cmd.Stderr = folder, theirs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	readies, alive := make(chan worker.Ready, 1), make(chan struct{}, 100)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			switch e, _ := worker.ParseEvent(lines.Bytes()); e.Kind {
			case worker.EventReady:
				readies <- e.Ready
			case worker.EventAlive:
				select {
				case alive <- struct{}{}:
				default:
				}
			}
		}
	}()
	ready := testkit.Receive(t, readies, "the ready line")

	c := testkit.Bind(t, ready.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	const submits, window = 6000, 50 // each is two lines of more than 300 octets
	for range submits / window {
		var sequences []uint32
		for range window {
			sequences = append(sequences, c.Send(smpptest.NewSubmit("33612345678", "3600", "x")))
		}
		for _, seq := range sequences {
			c.ExpectResp(seq, smpp.ROK)
		}
	}
	testkit.Bind(t, ready.SMPP, smpp.CmdBindReceiver, testkit.Client, testkit.Password) // others come and go
	line, err := net.DialTimeout("tcp", ready.TCP, testkit.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	_ = line.SetDeadline(time.Now().Add(testkit.Patience))
	fmt.Fprintln(line, `{"id":"h-1","from":"3600","to":"33612345678","text":"Bonjour"}`)
	if answer, err := bufio.NewReader(line).ReadString('\n'); err != nil || !strings.Contains(answer, `"status":"accepted"`) {
		t.Errorf("the TCP port answers %q, %v", answer, err)
	}
	testkit.WriteConfig(t, folder, testkit.Settings{"log.level": "trace", "hermes.url": "simulator", "clients": append(testkit.Clients(testkit.Password),
		map[string]any{"system_id": "late", "password": "secret2"})})
	testkit.Await(t, "the reload lets another client in", func() bool {
		c := smpptest.Dial(t, ready.SMPP)
		defer c.Close()
		c.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "late", Password: "secret2", InterfaceVersion: smpp.V34})
		h, _, _ := c.Read(testkit.Patience)
		return h.Status == smpp.ROK
	})
	for len(alive) > 0 {
		<-alive
	}
	testkit.Receive(t, alive, "another alive line")

	var log testkit.Log
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = bufio.NewReader(stderr).WriteTo(&log)
	}()
	lost := log.AwaitWords(t, `"level":"warn"`, `"lines":`, "were left out here, since nobody took them")
	t.Logf("%d octets came, and %s", len(log.String()), lost)
	_ = stdin.Close()
	testkit.Receive(t, read, "the end of the log")
	err = cmd.Wait()
	ended = true
	if err != nil {
		t.Errorf("smppserv: %v", err)
	}
	if !strings.Contains(log.String(), `"message":"stopped"`) {
		t.Error("the last line is missing")
	}
	if _, err := os.Stat(filepath.Join(folder, "messages.db")); err != nil {
		t.Error(err)
	}
}
