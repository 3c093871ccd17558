package trace

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/testkit"
)

// tshark returns a line for each packet that a filter lets through, or the fields of it.
func tshark(t *testing.T, capture []byte, ports []int, filter string, fields ...string) string {
	t.Helper()
	path := testkit.Peer(t, "tshark", "apt-get install tshark")
	file := filepath.Join(t.TempDir(), "client.pcapng")
	if err := os.WriteFile(file, capture, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-r", file, "-Y", filter, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}
	for _, port := range ports {
		args = append(args, "-d", fmt.Sprintf("tcp.port==%d,smpp", port))
	}
	for i, f := range fields {
		if i == 0 {
			args = append(args, "-T", "fields", "-E", "separator=|")
		}
		args = append(args, "-e", f)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	return stdout.String()
}

const (
	// faults are what Wireshark would mark: a PDU that it cannot read, a checksum or a sequence number that is not right.
	faults = "_ws.malformed || _ws.expert.severity>=0x600000 || tcp.analysis.flags || tcp.checksum.status==0 || ip.checksum.status==0"
	text   = "hush: a text"
)

func written(t *testing.T, traces *Traces, systemID string, texts bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if ok, err := traces.Write(&b, systemID, texts); err != nil || !ok {
		t.Fatalf("there is a record %t, %v", ok, err)
	}
	return b.Bytes()
}

// talk has a client submit texts of every kind, and be written to.
func talk(t *testing.T, client *smpptest.Client, send func(smpp.PDU)) {
	t.Helper()
	submit := smpptest.NewSubmit("491701", "12345", text)
	long := smpptest.NewSubmit("491701", "12345", "")
	long.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(strings.Repeat(text, 2000))}, smpp.TLVUint16(smpp.TagUserMessageReference, 7)}
	part := smpptest.NewSubmit("491701", "12345", "")
	part.ESMClass, part.ShortMessage = 0x40, append([]byte{5, 0, 3, 9, 2, 1}, text...)
	for _, p := range []smpp.PDU{submit, long, part} {
		client.Send(p)
		client.Read(testkit.Patience)
	}
	send(&smpp.DeliverSM{Source: smpp.Address{Addr: "12345"}, Dest: smpp.Address{Addr: "491701"}, ESMClass: 0x04,
		ShortMessage: []byte("id:1042 sub:001 dlvrd:001 submit date:2611230945 done date:2611230945 stat:DELIVRD err:000 Text:" + text)})
	h, _, _ := client.Read(testkit.Patience)
	client.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	client.Send(&smpp.EnquireLink{}) // answered when the answer before it was read
	client.Read(testkit.Patience)
}

func TestTsharkReadsTheRecordOfEachKindOfConnection(t *testing.T) {
	traces := New(Options{})
	traces.Switch("client", true)
	before := time.Now()
	peers := map[int]*net.TCPAddr{} // by the server's port
	servers := map[int]*net.TCPAddr{}
	var ports []int
	for _, c := range []struct {
		address   string
		encrypted bool
	}{{"127.0.0.1:0", false}, {"[::1]:0", false}, {"127.0.0.1:0", true}} {
		l := listen(t, c.address)
		client, s := connect(t, traces, l, "client", c.encrypted)
		talk(t, client, func(p smpp.PDU) { s.Send(p, func(session.Answer) {}) })
		server := l.Addr().(*net.TCPAddr)
		ports = append(ports, server.Port)
		servers[server.Port], peers[server.Port] = server, client.Conn().LocalAddr().(*net.TCPAddr)
	}
	after := time.Now()
	for _, texts := range []bool{false, true} {
		capture := written(t, traces, "client", texts)
		if bad := tshark(t, capture, ports, faults); bad != "" {
			t.Errorf("texts %t: tshark finds these faulty:\n%.4000s", texts, bad)
		}
		commands := map[int]string{}
		fields := tshark(t, capture, ports, "smpp", "smpp.command_id", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "frame.time_epoch", "smpp.sm_length")
		for line := range strings.Lines(fields) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
			source, _ := strconv.Atoi(f[5])
			port, _ := strconv.Atoi(f[6])
			from, to := peers[port], servers[port]
			if servers[source] != nil {
				port, from, to = source, servers[source], peers[source]
			}
			commands[port] += " " + f[0]
			if got, want := f[1]+f[3]+" "+f[2]+f[4]+" "+f[5]+" "+f[6], fmt.Sprintf("%v %v %d %d", from.IP, to.IP, from.Port, to.Port); got != want {
				t.Errorf("%s: %s, want %s", f[0], got, want)
			}
			var seconds, nanoseconds int64
			if _, err := fmt.Sscanf(f[7], "%d.%d", &seconds, &nanoseconds); err != nil {
				t.Fatal(err)
			}
			if at := time.Unix(seconds, nanoseconds); at.Before(before.Round(0)) || at.After(after) {
				t.Errorf("%s: at %v, not between %v and %v", f[0], at, before, after)
			}
		}
		for _, port := range ports {
			const want = " 0x00000009 0x80000009 0x00000004 0x80000004 0x00000004 0x80000004 0x00000004 0x80000004 0x00000005 0x80000005 0x00000015 0x80000015"
			if commands[port] != want {
				t.Errorf("texts %t: got %s\nwant %s", texts, commands[port], want)
			}
		}
		if !strings.Contains(fields, fmt.Sprintf("|%d\n", len(text))) {
			t.Errorf("the lengths are others:\n%s", fields)
		}
		if bytes.Contains(capture, []byte("hush-pw")) {
			t.Error("it tells the password")
		}
		if n := bytes.Count(capture, []byte(text)); !texts && n > 0 || texts && n < 1000 {
			t.Errorf("texts %t: %d times the text", texts, n)
		}
		if !bytes.Contains(capture, []byte("id:1042 sub:001 dlvrd:001")) {
			t.Error("nothing is seen of the receipt")
		}
	}
}

func TestARefusedBindIsRecordedWithItsAnswer(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	traces := New(Options{})
	traces.Switch("stranger", true)
	_, s := connect(t, traces, l, "stranger", false)
	testkit.Receive(t, s.Done(), "the end of the session")
	got := tshark(t, written(t, traces, "stranger", false), []int{l.Addr().(*net.TCPAddr).Port}, "smpp", "smpp.command_id", "smpp.command_status")
	if want := "0x00000009|\n0x80000009|0x0000000e\n"; got != want {
		t.Errorf("got %s", got)
	}
}
