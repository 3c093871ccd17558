package session

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// Whoever waits some time from then on must not wait longer because the wall clock is set back.
func TestTheTimeOfAnAnswerIsCountedByTheTimeElapsed(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransmitter, nil)
	before := time.Now()
	seq := r.Send(submit("hello"))
	ticket := r.request()
	if _, since, ok := ticket.Answered(); ok {
		t.Errorf("it is answered since %v, before it is", since)
	}
	ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"})
	r.ExpectResp(seq, smpp.ROK)
	var since time.Time
	for end, ok := time.Now().Add(20*time.Second), false; !ok && time.Now().Before(end); time.Sleep(time.Millisecond) {
		_, since, ok = ticket.Answered()
	}
	if since == since.Round(0) || since.Before(before) || since.After(time.Now()) {
		t.Errorf("it is answered since %v", since)
	}
}
