package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// tracedWorker starts smppserv with its system calls recorded.
func tracedWorker(t *testing.T, config, record string) *testkit.Worker {
	t.Helper()
	command := "exec"
	for _, arg := range append(storetest.StraceArgs(t, record), testkit.Program(t, "smppserv")) {
		command += " '" + arg + "'"
	}
	script := filepath.Join(t.TempDir(), "traced")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+command+` "$@"`+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return testkit.StartWorkerAs(t, script, config)
}

// acknowledged are the ids of the messages that something written to a peer promises to keep: a submit_sm_resp,
// data_sm_resp or submit_multi_resp with ROK, or an "accepted" of the TCP port.
func acknowledged(t *testing.T, data []byte) (ids []sms.ID) {
	t.Helper()
	add := func(id string) {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			t.Fatalf("message_id %q: %v", id, err)
		}
		ids = append(ids, sms.ID(n))
	}
	if bytes.HasPrefix(data, []byte("{")) {
		for line := range bytes.Lines(data) {
			var answer struct {
				Status string
				ID     string `json:"message_id"`
			}
			if err := json.Unmarshal(line, &answer); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if answer.Status == "accepted" {
				add(answer.ID)
			}
		}
		return ids
	}
	if bytes.HasPrefix(data, []byte("POST ")) {
		return nil // to Hermès
	}
	for len(data) >= smpp.HeaderLen {
		h := smpp.ParseHeader(data)
		if h.Length < smpp.HeaderLen || int(h.Length) > len(data) {
			t.Fatalf("this is no PDU: %q", data)
		}
		if h.Status == smpp.ROK {
			p, err := smpp.Decode(h, data[smpp.HeaderLen:h.Length])
			if err != nil {
				t.Fatal(err)
			}
			switch p := p.(type) {
			case *smpp.SubmitSMResp:
				add(p.MessageID)
			case *smpp.DataSMResp:
				add(p.MessageID)
			case *smpp.SubmitMultiResp:
				add(p.MessageID)
			}
		}
		data = data[h.Length:]
	}
	return ids
}

// lost are those of the messages that a power cut would have taken.
func lost(t *testing.T, d *storetest.Disk, acked []sms.ID) (ids []sms.ID) {
	t.Helper()
	dir := t.TempDir()
	if err := d.Restore(dir, func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: filepath.Join(dir, "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	for _, id := range acked {
		if _, err := s.Get(context.Background(), id); err != nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Killing the worker leaves the page cache, and so what was never synced. That the record of it does see a store that
// does not sync is tested where that is: in the store's tests.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	record, folder := filepath.Join(dir, "strace"), filepath.Join(dir, "data")
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	config := testkit.WriteConfig(t, dir, testkit.Settings{"store.dsn": "data/messages.db", "hermes.url": testkit.StartHermes(t).URL()})
	smppserv := tracedWorker(t, config, record)
	const submits, lines = 60, 30
	c := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	port, err := net.Dial("tcp", smppserv.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	port.SetDeadline(time.Now().Add(testkit.Patience))
	answers := bufio.NewReader(port)
	for range lines {
		s := c.Send(smpptest.NewSubmit("33612345678", "3600", "one"))
		s2 := c.Send(smpptest.NewSubmit("33612345679", "3600", "another"))
		fmt.Fprintf(port, `{"from":"3600","to":"33612345678","text":"answer"}`+"\n")
		c.ExpectResp(s, smpp.ROK)
		c.ExpectResp(s2, smpp.ROK)
		if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "accepted") {
			t.Fatalf("%s, %v", line, err)
		}
	}
	c.Unbind()
	smppserv.Stop(t)
	var acked, gone []sms.ID
	err = storetest.ReadDisks(record, folder, func(d *storetest.Disk, said []storetest.Said) error {
		found := false
		for _, s := range said {
			if strings.HasPrefix(s.To, "TCP") {
				ids := acknowledged(t, s.Data)
				acked, found = append(acked, ids...), found || len(ids) > 0
			}
		}
		if found {
			if gone = lost(t, d, acked); len(gone) > 0 {
				return fmt.Errorf("%d of %d acknowledged messages are lost: %v", len(gone), len(acked), gone[:min(10, len(gone))])
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if len(acked) != submits+lines {
		t.Errorf("%d messages were acknowledged, want %d", len(acked), submits+lines)
	}
	toll{sent: submits + lines, acknowledged: len(acked), lost: len(gone)}.tell(t)
}
