package conformance

import (
	"bufio"
	"encoding/json"
	"net"
	"testing"
	"time"
)

// An agentAnswer is what Hermès writes to the TCP port, one JSON line.
type agentAnswer struct {
	ID     string `json:"id,omitempty"`
	From   string `json:"from"`
	To     string `json:"to"`
	Text   string `json:"text,omitempty"`
	Status bool   `json:"status,omitempty"`

	Client   string `json:"client,omitempty"` // names the account where numbers do not
	Data     []byte `json:"data,omitempty"`   // instead of Text: binary
	Alphabet string `json:"alphabet,omitempty"`
	Validity string `json:"validity,omitempty"`
}

// A tcpReply is a line that the TCP port writes back.
type tcpReply struct {
	ID        string
	Status    string
	Event     string
	MessageID string `json:"message_id"`
	Duplicate bool
	Code      string
	Error     string
	State     string
}

// tcpLine is Hermès' connection to the TCP port.
type tcpLine struct {
	conn    net.Conn
	replies *bufio.Scanner
}

// dialTCPPort connects to the TCP port until the test's end.
func dialTCPPort(t *testing.T, address string) *tcpLine {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatalf("connecting to the TCP port: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return &tcpLine{conn: conn, replies: bufio.NewScanner(conn)}
}

// send writes one line and returns the next line that comes back.
func (l *tcpLine) send(t *testing.T, a agentAnswer) tcpReply {
	t.Helper()
	line, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.conn.Write(append(line, '\n')); err != nil {
		t.Fatalf("writing to the TCP port: %v", err)
	}
	if !l.replies.Scan() {
		t.Fatalf("the TCP port gave no answer to %s: %v", line, l.replies.Err())
	}
	var r tcpReply
	if err := json.Unmarshal(l.replies.Bytes(), &r); err != nil {
		t.Fatalf("the TCP port answered %q: %v", l.replies.Text(), err)
	}
	return r
}
