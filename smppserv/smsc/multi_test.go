package smsc

import (
	"fmt"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func multiTo(dests ...smpp.Dest) *smpp.SubmitMulti {
	return &smpp.SubmitMulti{Source: international(person), ShortMessage: []byte("all"), Dests: dests}
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

func TestACannedTextHasNoHeader(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.st.Canned = map[byte]string{1: "@@ canned"} })
	c := r.transceiver()
	s := submit("")
	s.ESMClass, s.DefaultMsgID = smpp.ESMUDHI, 1
	id := c.ExpectResp(c.Send(s), smpp.ROK).(*smpp.SubmitSMResp).MessageID
	if m := r.message(id); m.ESMClass&smpp.ESMUDHI != 0 || string(m.Content) != "\x00\x00 canned" {
		t.Fatalf("on disk is esm_class %#x, %q", m.ESMClass, m.Content)
	}
}
