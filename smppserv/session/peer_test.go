package session

import (
	"testing/synctest"

	"hnetsmpp/pkg/smpp"
)

// read takes what came for the peer, and judges it.
func (tr *trial) read() {
	tr.t.Helper()
	for again := true; again; {
		again = false
		tr.got = append(tr.got, tr.pipe.take()...)
		for len(tr.got) >= smpp.HeaderLen {
			h := smpp.ParseHeader(tr.got)
			if h.Length < smpp.HeaderLen || h.Length > smpp.MaxPDU {
				tr.t.Fatalf("a PDU of %d octets came: % x", h.Length, tr.got[:smpp.HeaderLen])
			}
			if len(tr.got) < int(h.Length) {
				break
			}
			again = tr.judge(h, tr.got[smpp.HeaderLen:h.Length]) || again
			tr.got = tr.got[h.Length:]
		}
		if again {
			synctest.Wait()
		}
	}
}

// judge holds that one PDU may come now, and tells whether the peer has answered it.
func (tr *trial) judge(h smpp.Header, body []byte) (answered bool) {
	t := tr.t
	t.Helper()
	if h.Status == smpp.ROK {
		if _, err := smpp.Decode(h, body); err != nil {
			t.Fatalf("cannot be read: %v", err)
		}
	}
	if tr.unbindResp {
		t.Fatalf("%v after unbind_resp", h.Command)
	}
	if h.Command.IsResponse() {
		n := numbered{h.Command, h.Sequence}
		if tr.owed[n]--; tr.owed[n] < 0 {
			t.Fatalf("%v %d answers nothing, or again", h.Command, h.Sequence)
		}
		switch {
		case h.Status != smpp.ROK:
		case h.Command == smpp.CmdUnbindResp:
			tr.unbindResp = true
		case h.Command == smpp.CmdBindReceiverResp, h.Command == smpp.CmdBindTransmitterResp, h.Command == smpp.CmdBindTransceiverResp:
			tr.bindResps++
		}
		return false
	}
	if tr.bindResps != 1 || tr.unbinds > 0 {
		t.Fatalf("%v after %d binds and %d unbinds", h.Command, tr.bindResps, tr.unbinds)
	}
	if h.Status != smpp.ROK || h.Sequence < firstSequence || h.Sequence > lastSequence {
		t.Fatalf("%v with status %v, sequence_number %#x", h.Command, h.Status, h.Sequence)
	}
	switch h.Command {
	case smpp.CmdAlertNotification:
		return false
	case smpp.CmdUnbind:
		tr.unbinds++
	case smpp.CmdDeliverSM, smpp.CmdEnquireLink:
	default:
		t.Fatalf("%v is not ours to send", h.Command)
	}
	tr.asked = append(tr.asked, h)
	if tr.auto && h.Command != smpp.CmdDeliverSM {
		tr.respond(len(tr.asked)-1, smpp.ROK, false)
		return true
	}
	return false
}

// farewell is a polite end: if the session is still bound, everything is answered, once, and unbind behind it.
func (tr *trial) farewell() {
	tr.t.Helper()
	tr.pipe.resume()
	tr.answerHenceforth()
	tr.check()
	if tr.s.State()&bound == 0 || tr.gone || tr.lost || len(tr.sent) > 0 {
		tr.gone = true
		tr.roughly(tr.pipe.leave)
		return
	}
	tr.total = 0
	tr.send(smpp.AppendHeader(nil, smpp.CmdUnbind, 0, 77))
	synctest.Wait()
	tr.check()
	for n, left := range tr.owed {
		if left != 0 {
			tr.t.Errorf("%v %d did not come", n.answer, n.sequence)
		}
	}
	tr.pipe.leave()
}
