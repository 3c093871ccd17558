package tally

import (
	"fmt"
	"maps"
	"strings"

	"hnetsmpp/smppserv/sms"
)

// Traffic counts texts, and where it says so receipts. Those from a client to another one count as accepted from the one and, at
// their end, for the other.
type Traffic struct {
	Received  int64            // accepted, from clients and from Hermès
	In        int64            // of them, from clients
	Pushed    int64            // delivered to Hermès
	Delivered int64            // delivered to clients
	Failed    int64            // expired, undeliverable or rejected
	Reasons   map[string]int64 // of the failed: "expired", "undeliverable, http 404", "rejected, smpp 0x0000000B", …; nil = none failed
	Deleted   int64
	Receipts  int64     // delivered, intermediate notifications included
	Parts     int64     // the short messages that Received are
	Times     Histogram // of what was pushed or delivered, from its acceptance on
	Push      Histogram // of what was pushed alone
}

// Add adds what a counter says.
func (t *Traffic) Add(k *Key, c *Count) {
	switch {
	case k.Kind == sms.KindReceipt || k.Kind == sms.KindIntermediate:
		if k.State == sms.Delivered {
			t.Receipts += c.N
		}
	case k.Kind != sms.KindText:
	case k.State == Accepted:
		t.Received += c.N
		t.Parts += c.Parts
		if !k.Out {
			t.In += c.N
		}
	case k.State == sms.Deleted:
		t.Deleted += c.N
	case k.State != sms.Delivered:
		t.Failed += c.N
		if t.Reasons == nil {
			t.Reasons = map[string]int64{}
		}
		t.Reasons[k.failure()] += c.N
	case k.Out || k.Peer != "":
		t.Delivered += c.N
		t.Times.Merge(&c.Times)
	default:
		t.Pushed += c.N
		t.Times.Merge(&c.Times)
		t.Push.Merge(&c.Times)
	}
}

func (k *Key) failure() string {
	name := strings.ToLower(k.State.String())
	if k.Reason != "" {
		name += ", " + k.Reason
	}
	return name
}

// Merge adds what another one counts.
func (t *Traffic) Merge(o *Traffic) {
	t.Received += o.Received
	t.In += o.In
	t.Pushed += o.Pushed
	t.Delivered += o.Delivered
	t.Failed += o.Failed
	t.Deleted += o.Deleted
	t.Receipts += o.Receipts
	t.Parts += o.Parts
	t.Times.Merge(&o.Times)
	t.Push.Merge(&o.Push)
	for reason, n := range o.Reasons {
		if t.Reasons == nil {
			t.Reasons = map[string]int64{}
		}
		t.Reasons[reason] += n
	}
}

// Clone is a copy that shares nothing.
func (t *Traffic) Clone() Traffic {
	c := *t
	c.Reasons = maps.Clone(t.Reasons)
	return c
}

// Reason is the class of what a message failed with: its code, an HTTP status or a command_status, as far as that is one of those
// that are told apart.
func (s *Subject) Reason(state sms.State, code int) string {
	toHermes := !s.Out && s.Peer == ""
	switch {
	case code == 0 || state == sms.Delivered || state == sms.Deleted:
		return ""
	case toHermes && (code < 100 || code > 599):
		return "http, another status"
	case toHermes:
		return httpReasons[code-100]
	case code < 0 || code >= len(smppReasons):
		return "smpp, another status"
	}
	return smppReasons[code]
}

// Those of the peers are as many as they like: so many are told apart.
var httpReasons, smppReasons = func() (http [500]string, smpp [0x500]string) {
	for i := range http {
		http[i] = fmt.Sprintf("http %d", 100+i)
	}
	for i := range smpp {
		smpp[i] = fmt.Sprintf("smpp 0x%08X", i)
	}
	return http, smpp
}()
