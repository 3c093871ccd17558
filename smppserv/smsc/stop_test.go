package smsc

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// transaction sends a data_sm that is answered with its outcome, and returns its sequence_number and the message's id.
func (r *rig) transaction(c *smpptest.Client) (seq uint32, id string) {
	r.t.Helper()
	last := c.Submit(person, "4", "before it")
	seq = c.Send(&smpp.DataSM{Source: international(person), Dest: international(campaign), ESMClass: smpp.ESMTransaction,
		TLVs: smpp.TLVs{smpp.TLVString(smpp.TagMessagePayload, "transaction")}})
	return seq, (r.message(last).ID + 1).String()
}

// underWay waits until a transaction is on disk.
func (r *rig) underWay() {
	r.t.Helper()
	testkit.Await(r.t, "a transaction is on disk", func() bool {
		ts := &r.sv.underWay
		ts.mu.Lock()
		defer ts.mu.Unlock()
		return len(ts.waiting) > 0
	})
}

func expectUnbind(c *smpptest.Client) {
	h, _ := c.Expect(smpp.CmdUnbind)
	c.SendSeq(h.Sequence, &smpp.UnbindResp{})
	c.ExpectClosed(patience)
	c.Close()
}

// absentBob has what is for campaign wait for bob, who is not bound.
func absentBob(r *rig, o *Options) {
	o.Opportunity = true
	r.bob().Numbers = []string{campaign}
	r.alice().Numbers = []string{"4"}
}

func TestAStopAnswersTheTransactionsThatWaitAndThenUnbinds(t *testing.T) {
	r := newRig(t, absentBob)
	c := r.bind(smpp.CmdBindTransmitter, "alice")
	seq, id := r.transaction(c)
	r.underWay()
	closed := r.stop(patience)
	if h, _, _ := c.Read(patience); h.Sequence != seq || h.Status != smpp.RDELIVERYFAILURE {
		t.Fatalf("first came %v with %v", h.Command, h.Status)
	}
	expectUnbind(c)
	<-closed
	r.awaitState(id, sms.Deleted)
}

func TestAStopAwaitsTheTransactionThatIsBeingTriedAndTakesBackOneThatReturned(t *testing.T) {
	for name, test := range map[string]struct {
		verdict sms.Verdict
		status  smpp.Status
		state   sms.State
	}{
		"done":     {sms.Done, smpp.ROK, sms.Delivered},
		"returned": {sms.Returned, smpp.RDELIVERYFAILURE, sms.Deleted},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			c := r.transceiver()
			seq, id := r.transaction(c)
			r.next()
			try := r.next()
			closed := r.stop(patience)
			h, _ := c.Expect(smpp.CmdUnbind)
			try.report(sms.Outcome{Verdict: test.verdict})
			c.ExpectResp(seq, test.status)
			c.SendSeq(h.Sequence, &smpp.UnbindResp{})
			c.ExpectClosed(patience)
			c.Close()
			<-closed
			r.awaitState(id, test.state)
		})
	}
}

func TestAStopAnswersATransactionWhoseTryDoesNotEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := r.transceiver()
	seq, _ := r.transaction(c)
	r.next()
	r.next()
	closed := r.stop(3500 * time.Millisecond)
	c.Expect(smpp.CmdUnbind) // and the client does not answer it
	c.ExpectResp(seq, smpp.RDELIVERYFAILURE)
	c.ExpectClosed(patience)
	c.Close()
	<-closed
}

func TestATransactionThatComesInAStopIsAnsweredAtOnce(t *testing.T) {
	r := newRig(t, absentBob)
	r.sv.underWay.end(time.Time{})
	c := r.transceiver()
	seq, id := r.transaction(c)
	c.ExpectResp(seq, smpp.RDELIVERYFAILURE)
	r.awaitState(id, sms.Deleted)
}

func TestATransactionIsTakenBackWhenItsTimeIsUp(t *testing.T) {
	r := newRig(t, func(r *rig, o *Options) {
		absentBob(r, o)
		o.Timers.Response = 50 * time.Millisecond
	})
	c := r.bind(smpp.CmdBindTransmitter, "alice")
	seq, id := r.transaction(c)
	c.ExpectResp(seq, smpp.RDELIVERYFAILURE)
	r.awaitState(id, sms.Deleted)
}
