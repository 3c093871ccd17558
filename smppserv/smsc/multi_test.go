package smsc

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
)

func multiTo(dests ...smpp.Dest) *smpp.SubmitMulti {
	return &smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{Source: international(person), ShortMessage: []byte("all")}, Dests: dests}
}

func numbers(first, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(first+i))
	}
	return all
}

func TestWhoIsInSeveralListsGetsOneMessage(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) {
		r.st.Lists = map[string][]string{"a": {"+33611111111", "33622222222"}, "b": {"33622222222", "33633333333"}}
	})
	c := r.transceiver()
	c.ExpectResp(c.Send(multiTo(smpp.Dest{ListName: "a"}, smpp.Dest{Address: international("33633333333")}, smpp.Dest{ListName: "b"})), smpp.ROK)
	seen := map[string]int{}
	for range 3 {
		seen[r.next().Dest.Number]++
	}
	c.Submit(person, campaign, "the next one")
	if m := r.next(); string(m.Content) != "the next one" || seen["33611111111"] != 1 || seen["33622222222"] != 1 || seen["33633333333"] != 1 {
		t.Fatalf("got %v and %q", seen, m.Content)
	}
}

func TestMoreDestinationsThanTheAnswerCanNameAreRefused(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) {
		r.st.Lists = map[string][]string{"a": numbers(1000, 200), "b": numbers(2000, 56)}
	})
	c := r.transceiver()
	c.ExpectResp(c.Send(multiTo(smpp.Dest{ListName: "a"}, smpp.Dest{ListName: "b"})), smpp.RINVNUMDESTS)
	c.ExpectResp(c.Send(multiTo(smpp.Dest{ListName: "a"}, smpp.Dest{Address: international("1000")})), smpp.ROK)
	for range 200 {
		r.next()
	}
	if len(r.hermes.tries) > 0 {
		t.Fatal("the refused one was sent, too")
	}
}

func TestAListIsNotCutByTheRate(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) {
		r.alice().ThrottleRate = 5
		r.st.Lists = map[string][]string{"a": numbers(1000, 40)}
	})
	c := r.transceiver()
	resp := c.ExpectResp(c.Send(multiTo(smpp.Dest{ListName: "a"})), smpp.ROK).(*smpp.SubmitMultiResp)
	if len(resp.Unsuccess) != 0 {
		t.Fatalf("%d of the list were refused: %v", len(resp.Unsuccess), resp.Unsuccess[0])
	}
	for range 40 {
		r.next()
	}
	c.ExpectResp(c.Send(multiTo(smpp.Dest{ListName: "a"})), smpp.RTHROTTLED)
	c.ExpectResp(c.Send(submit("x")), smpp.RTHROTTLED)
}

// pendingMulti is a submit_multi to 111, 222 and 333 that is not tried for an hour: its id and its messages'.
func (r *rig) pendingMulti(c *smpptest.Client) (id string, all []string) {
	r.t.Helper()
	m := multiTo(smpp.Dest{Address: international("111")}, smpp.Dest{Address: international("222")}, smpp.Dest{Address: international("333")})
	m.ScheduleDeliveryTime = smpp.FormatTime(time.Now().Add(time.Hour))
	id = c.ExpectResp(c.Send(m), smpp.ROK).(*smpp.SubmitMultiResp).MessageID
	first := r.message(id).ID
	return id, []string{id, (first + 1).String(), (first + 2).String()}
}

func (r *rig) expectStates(ids []string, want ...sms.State) {
	r.t.Helper()
	for i, id := range ids {
		if m := r.message(id); m.State != want[i] {
			r.t.Errorf("the message to %s is %v, want %v", m.Dest.Number, m.State, want[i])
		}
	}
}

func TestACancelTakesBackEachMessageOfASubmitMulti(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id, all := r.pendingMulti(c)
	cancel := &smpp.CancelSM{MessageID: id, Source: international(person), Dest: international("222")}
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	r.expectStates(all, sms.Enroute, sms.Deleted, sms.Enroute)
	c.ExpectResp(c.Send(cancel), smpp.RCANCELFAIL)
	cancel.Dest = international("444")
	c.ExpectResp(c.Send(cancel), smpp.RCANCELFAIL)
	cancel.Dest = international("111")
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	if q := query(c, id); q.State != smpp.StateEnroute || q.MessageID != id {
		t.Errorf("while one waits query_sm says %+v", q)
	}
	cancel.Dest = smpp.Address{}
	c.ExpectResp(c.Send(cancel), smpp.ROK)
	r.expectStates(all, sms.Deleted, sms.Deleted, sms.Deleted)
	if q := query(c, id); q.State != smpp.StateDeleted {
		t.Errorf("in the end query_sm says %+v", q)
	}
	c.ExpectResp(c.Send(cancel), smpp.RCANCELFAIL)
}

func TestAReplaceReachesEachMessageOfASubmitMultiThatWaits(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	id, all := r.pendingMulti(c)
	c.ExpectResp(c.Send(&smpp.CancelSM{MessageID: id, Source: international(person), Dest: international("111")}), smpp.ROK)
	replace := &smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new")}
	c.ExpectResp(c.Send(replace), smpp.ROK)
	for i, want := range []string{"all", "new", "new"} {
		if m := r.message(all[i]); string(m.Content) != want {
			t.Errorf("the message to %s is %q, want %q", m.Dest.Number, m.Content, want)
		}
	}
	replace.ValidityPeriod = "yesterday"
	c.ExpectResp(c.Send(replace), smpp.RINVEXPIRY)
	c.ExpectResp(c.Send(&smpp.CancelSM{MessageID: id, Source: international(person)}), smpp.ROK)
	replace.ValidityPeriod = ""
	c.ExpectResp(c.Send(replace), smpp.RREPLACEFAIL)
}
