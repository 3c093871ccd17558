package queue

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestMessagesThatAreRefusedOneAfterTheOtherFillNoLog(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(&log) })
	h := r.hermes()
	flood := 2 * notDelivered.PerPeer
	for i := range flood {
		m := r.text("x")
		r.add(m)
		h.next("x").report(sms.Outcome{Verdict: sms.Failed, State: sms.Undeliverable, Code: 404})
		if i == flood-1 {
			r.wantState(m, sms.Undeliverable)
		}
	}
	if n := strings.Count(log.String(), notDelivered.Text); n != notDelivered.PerPeer {
		t.Errorf("%d lines, want %d", n, notDelivered.PerPeer)
	}
	r.q.limited.Flush()
	if !strings.Contains(log.String(), `"left_out":300,`) {
		t.Error("no line says how many were left out")
	}
}
