package conformance

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

const (
	sentByServer = "smpp && tcp.srcport==2346"
	malformed    = "_ws.malformed && tcp.srcport==2346"
)

// checkWithTshark has Wireshark's decoder, which nobody here wrote, judge what the server sent.
func checkWithTshark(t *testing.T, capture string) {
	if bad := tshark(t, capture, malformed); bad != "" {
		t.Errorf("tshark finds these malformed:\n%.4000s", bad)
	}
	const plausible = 100
	if n := strings.Count(tshark(t, capture, sentByServer), "\n"); n <= plausible {
		t.Errorf("tshark decoded %d segments of the server as SMPP, want more than %d", n, plausible)
	}
}

// The decoder is worth only what it finds.
func TestTsharkFindsWhatIsMalformed(t *testing.T) {
	whole := vector(5, 7, octets("00 0101"), cstring("1000"), octets("0101"), cstring("447700900001"),
		octets("00 00 00 00 00 00 00 00 00 05 68656c6c6f"))
	for _, pdu := range [][]byte{whole, cut(whole, 30)} {
		r := &recording{events: []recorded{{at: time.Now(), fromServer: true, octets: pdu}}}
		capture := filepath.Join(t.TempDir(), "one.pcap")
		if err := writePcap(capture, []*recording{r}); err != nil {
			t.Fatal(err)
		}
		if tshark(t, capture, sentByServer) == "" {
			t.Errorf("% x is not decoded", pdu)
		}
		if found := tshark(t, capture, malformed) != ""; found != (len(pdu) < len(whole)) {
			t.Errorf("% x: malformed is %v", pdu, found)
		}
	}
}

// tshark returns a line for each packet of a capture that a filter lets through.
func tshark(t *testing.T, capture, filter string) string {
	t.Helper()
	path := testkit.Peer(t, "tshark", "apt-get install tshark")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-n", "-r", capture, "-d", "tcp.port==2346,smpp", "-Y", filter)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	return stdout.String()
}
