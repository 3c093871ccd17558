package faults

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

func TestASoaksLedgerNoticesWhatIsLostMixedUpOrRepeated(t *testing.T) {
	push := func(l *ledger, id, text, key string) {
		l.push(testkit.Push{Status: 200, Key: key, Message: testkit.Message{ID: id, From: "336", Text: text}})
	}
	receipt := func(l *ledger, id string) {
		l.delivered("c", &smpp.DeliverSM{ShortMessage: smpp.Receipt{ID: id, State: smpp.StateDelivered}.Append(nil)})
	}
	for _, tt := range []struct {
		what    string
		happens func(l *ledger)
		fault   string // "" = none
		waiting int
	}{
		{"all is well", func(l *ledger) { l.submitted("c", "7", "a", smpp.ROK); push(l, "7", "a", "k"); receipt(l, "7") }, "", 0},
		{"the answer came last", func(l *ledger) { push(l, "7", "a", "k"); receipt(l, "7"); l.submitted("c", "7", "a", smpp.ROK) }, "", 0},
		{"no receipt", func(l *ledger) { l.submitted("c", "7", "a", smpp.ROK); push(l, "7", "a", "k") }, "", 1},
		{"a receipt without a push", func(l *ledger) { l.submitted("c", "7", "a", smpp.ROK); receipt(l, "7") }, "it has not", 0},
		{"another text", func(l *ledger) { l.submitted("c", "7", "a", smpp.ROK); push(l, "7", "b", "k") }, `"a" and "b"`, 1},
		{"another key", func(l *ledger) { l.killing(); push(l, "7", "a", "k"); push(l, "7", "a", "m") }, "as k and as m", 0},
		{"an id twice", func(l *ledger) { l.submitted("c", "7", "a", smpp.ROK); l.submitted("c", "7", "b", smpp.ROK) }, "twice", 1},
		{"out of order", func(l *ledger) { push(l, "8", "b", "k"); push(l, "7", "a", "m") }, "7 after 8", 0},
		{"refused and pushed", func(l *ledger) { l.submitted("c", "", "a", smpp.RTHROTTLED); push(l, "7", "a", "k") }, "was refused, and was pushed", 0},
		{"a refusal of another kind", func(l *ledger) { l.submitted("c", "", "a", smpp.RSYSERR) }, "RSYSERR", 0},
		{"a refusal by one that stops", func(l *ledger) { l.leaves = true; l.submitted("c", "", "a", smpp.RSYSERR) }, "", 0},
		{"repeated", func(l *ledger) { push(l, "7", "a", "k"); push(l, "7", "a", "k") }, "no worker was killed", 0},
		{"repeated at a kill", func(l *ledger) { l.killing(); push(l, "7", "a", "k"); push(l, "7", "a", "k") }, "", 0},
		{"repeated after a kill", func(l *ledger) { push(l, "7", "a", "k"); l.killing(); l.killing(); push(l, "7", "a", "k") }, "", 0},
		{"repeated again", func(l *ledger) {
			push(l, "7", "a", "k")
			l.killing()
			l.killing()
			push(l, "7", "a", "k")
			push(l, "7", "a", "k")
		}, "no worker was killed", 0},
	} {
		l := newLedger(map[string]told{"c": {smpp.RTHROTTLED, smpp.StateDelivered}})
		tt.happens(l)
		if faults := strings.Join(l.faults, "\n"); (faults == "") != (tt.fault == "") || !strings.Contains(faults, tt.fault) {
			t.Errorf("%s: the faults are %q, want %q", tt.what, faults, tt.fault)
		}
		if l.waiting != tt.waiting {
			t.Errorf("%s: %d wait, want %d", tt.what, l.waiting, tt.waiting)
		}
	}
}
