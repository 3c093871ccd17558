package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

const (
	nodeFolder  = "testdata/node"
	nodeInstall = "npm ci --prefix smppserv/conformance/testdata/node"
)

// nodeSMPP is a client on node's smpp library, in a process of its own (testdata/node/client.js).
type nodeSMPP struct {
	stdin    io.WriteCloser
	received chan received
	bound    chan nodeEvent

	mu      sync.Mutex
	ref     int
	answers map[int]chan nodeEvent // submits in flight, by their ref
}

// A nodeEvent is one line of the script's stdout.
type nodeEvent struct {
	Event              string
	Ref                int
	IDs                []string
	Status             int
	From, To, Text     string
	Receipt            bool
	ReceiptedMessageID string `json:"receipted_message_id"`
	Error              string
}

// startNode binds a transceiver and returns once it is bound.
func startNode(t *testing.T, at endpoint) *nodeSMPP {
	t.Helper()
	if _, err := os.Stat(filepath.Join(nodeFolder, "node_modules", "smpp")); err != nil {
		testkit.Missing(t, "node's smpp library", nodeInstall)
	}
	cmd := exec.Command(testkit.Peer(t, "node", "apt-get install nodejs npm"), "client.js")
	cmd.Dir = nodeFolder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	n := &nodeSMPP{
		received: make(chan received, 1000),
		bound:    make(chan nodeEvent, 1),
		answers:  map[int]chan nodeEvent{},
	}
	if n.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting node: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.read(stdout)
	}()
	t.Cleanup(func() {
		n.stdin.Close() // the script unbinds and ends
		kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer kill.Stop()
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("node ended with %v; its stderr:\n%s", err, stderr.String())
		}
	})
	n.write(map[string]any{"op": "bind", "host": at.Host, "port": at.Port, "system_id": at.SystemID, "password": at.Password})
	select {
	case e := <-n.bound:
		if e.Event != "bound" {
			t.Fatalf("node did not bind: %s %s", e.Event, e.Error)
		}
	case <-ended:
		t.Fatalf("node ended before it was bound")
	case <-time.After(patience):
		t.Fatalf("node did not bind within %v", patience)
	}
	return n
}

// Submit implements peer.
func (n *nodeSMPP) Submit(ctx context.Context, m outgoing) ([]string, error) {
	encoding := map[kind]string{gsm7: "default", gsm7Parts: "default", gsm7Payload: "default", ucs2: "ucs2", ucs2Parts: "ucs2",
		latin1: "latin1", ownDefault: "auto"}[m.Kind]
	long := map[kind]string{gsm7Parts: "udh", ucs2Parts: "udh", gsm7Payload: "payload"}[m.Kind]
	answer := make(chan nodeEvent, 1)
	n.mu.Lock()
	n.ref++
	ref := n.ref
	n.answers[ref] = answer
	n.mu.Unlock()
	err := n.write(map[string]any{"op": "submit", "ref": ref, "from": m.From, "to": m.To, "text": m.Text, "encoding": encoding, "long": long})
	if err != nil {
		return nil, fmt.Errorf("asking node to submit: %w", err)
	}
	select {
	case e := <-answer:
		if e.Event != "submitted" {
			return nil, fmt.Errorf("node's submit_sm was refused with status %#x", e.Status)
		}
		return e.IDs, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("node's submit_sm was not answered: %w", ctx.Err())
	}
}

// Received implements peer.
func (n *nodeSMPP) Received() <-chan received { return n.received }

func (n *nodeSMPP) write(command any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	_, err = n.stdin.Write(append(line, '\n'))
	return err
}

// read takes the script's lines until it ends.
func (n *nodeSMPP) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e nodeEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = nodeEvent{Event: "error", Error: fmt.Sprintf("unreadable line %q: %v", lines.Text(), err)}
		}
		switch e.Event {
		case "submitted", "refused":
			n.mu.Lock()
			answer := n.answers[e.Ref]
			delete(n.answers, e.Ref)
			n.mu.Unlock()
			if answer != nil {
				answer <- e
			}
		case "deliver":
			r := received{From: e.From, To: e.To, Text: e.Text}
			if e.Receipt {
				r.Receipt = readReceipt(e.Text)
				r.Receipt.TLV = e.ReceiptedMessageID
			}
			n.received <- r
		case "bound", "error":
			select {
			case n.bound <- e: // what comes after the bind shows as a message that does not arrive
			default:
			}
		}
	}
}
