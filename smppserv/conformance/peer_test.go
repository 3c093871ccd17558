package conformance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A peer is a real SMPP client, bound to the server under test and able to send and receive.
type peer interface {
	// Submit sends m and returns the ids of the submit_sm_resp that owe a receipt, in the order of the parts.
	Submit(ctx context.Context, m outgoing) ([]string, error)
	// Received gives every message and receipt that the client took, long messages joined by the client.
	Received() <-chan received
}

// An endpoint is where a peer binds and as whom.
type endpoint struct {
	Host     string
	Port     int
	SystemID string
	Password string
}

// An outgoing message is what a peer is asked to submit, with a receipt.
type outgoing struct {
	From, To string
	Kind     kind
	Text     string
}

// A kind is how a peer puts a text into submit_sm.
type kind int

const (
	gsm7        kind = iota // data_coding 0, one short_message
	ucs2                    // data_coding 8, one short_message
	latin1                  // data_coding 3, one short_message
	gsm7Parts               // data_coding 0, cut into parts with user data headers
	ucs2Parts               // data_coding 8, cut into parts with user data headers
	gsm7Payload             // data_coding 0, message_payload
	ownDefault              // what the client's library does when it is not told
)

func (k kind) String() string {
	return [...]string{"gsm7", "ucs2", "latin1", "gsm7 in parts", "ucs2 in parts", "gsm7 in message_payload", "own default"}[k]
}

// received is a deliver_sm as the application behind the peer sees it.
type received struct {
	From, To string
	Text     string
	Receipt  *receipt // nil for a message
}

// A receipt is what the peer understood of a delivery receipt.
type receipt struct {
	ID   string // of the text's id:, as the client matched it
	TLV  string // of receipted_message_id; empty where the client does not show it
	Stat string // DELIVRD, UNDELIV, …
	Err  string // three digits
}

// readReceipt reads a receipt's text, Appendix B.
func readReceipt(text string) *receipt {
	field := func(name string) string {
		_, rest, _ := strings.Cut(text, name+":")
		value, _, _ := strings.Cut(rest, " ")
		return value
	}
	return &receipt{ID: field("id"), Stat: field("stat"), Err: field("err")}
}

func (r received) String() string {
	if r.Receipt != nil {
		return fmt.Sprintf("receipt %+v", *r.Receipt)
	}
	return fmt.Sprintf("%s → %s %q", r.From, r.To, r.Text)
}

// An inbox is what one peer received, all of it.
type inbox struct {
	peer
	seen []received
}

// await takes what the peer receives until match is satisfied, and fails the test with all that came instead.
func (in *inbox) await(t *testing.T, what string, match func(received) bool) received {
	t.Helper()
	before := len(in.seen)
	deadline := time.After(patience)
	for {
		select {
		case r := <-in.Received():
			in.seen = append(in.seen, r)
			if match(r) {
				return r
			}
		case <-deadline:
			t.Fatalf("%s did not come within %v; what came: %v", what, patience, in.seen[before:])
		}
	}
}

// assertNothingTwice fails the test for everything that the peer has received more than once by now.
func (in *inbox) assertNothingTwice(t *testing.T) {
	t.Helper()
	for len(in.Received()) > 0 {
		in.seen = append(in.seen, <-in.Received())
	}
	times := map[string]int{}
	for _, r := range in.seen {
		times[r.String()]++
	}
	for what, n := range times {
		if n > 1 {
			t.Errorf("the client received %d times: %s", n, what)
		}
	}
}
