package trace

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
)

func TestNoPasswordEntersARecord(t *testing.T) {
	tooLong := smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: strings.Repeat("x", 30), Password: "hush"})
	cut := append(smpp.AppendHeader(nil, smpp.CmdBindReceiver, 0, 1), "a\x00hush"...)
	for _, pdu := range [][]byte{
		smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "a", Password: "hush"}),
		smpp.AppendPDU(nil, 0, 1, &smpp.Outbind{SystemID: "centre", Password: "hush"}), tooLong, cut,
	} {
		before := bytes.Clone(pdu)
		kept := withoutPassword(pdu)
		if bytes.Contains(kept, []byte("hush")) || len(kept) != len(pdu) || !bytes.Equal(pdu, before) {
			t.Errorf("% x became % x", pdu, kept)
		}
	}
	bind := smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "acme", Password: "hush", SystemType: "vma"})
	if want := bytes.Replace(bind, []byte("hush"), []byte("****"), 1); !bytes.Equal(withoutPassword(bind), want) {
		t.Errorf("got %q", withoutPassword(bind))
	}
}

func TestWhatSomebodyWroteIsMaskedWhereverItStands(t *testing.T) {
	const hush = "hush-text"
	payload := smpp.TLV{Tag: smpp.TagMessagePayload, Value: []byte(hush)}
	message := smpp.SubmitSM{ShortMessage: []byte(hush), TLVs: smpp.TLVs{payload, {Tag: 0x1400, Value: []byte(hush)}, payload,
		{Tag: smpp.TagCallbackNumAtag, Value: []byte(hush)}, smpp.TLVUint8(smpp.TagSarSegmentSeqnum, 3)}}
	udh := func(header string) *smpp.SubmitSM {
		p := smpptest.NewSubmit("1", "2", header+hush)
		p.ESMClass = 0x40
		return p
	}
	deliver := smpp.DeliverSM(message)
	for name, p := range map[string]smpp.PDU{
		"submit_sm": &message, "deliver_sm": &deliver,
		"submit_multi":         &smpp.SubmitMulti{SubmitSM: message, Dests: []smpp.Dest{{Address: smpp.Address{Addr: "1"}}}},
		"data_sm":              &smpp.DataSM{TLVs: message.TLVs},
		"replace_sm":           &smpp.ReplaceSM{MessageID: "1", ShortMessage: []byte(hush), TLVs: smpp.TLVs{payload}},
		"submit_sm_resp":       &smpp.SubmitSMResp{MessageID: "1", TLVs: smpp.TLVs{{Tag: smpp.TagAdditionalStatusInfoText, Value: []byte(hush)}}},
		"a header":             udh("\x05\x00\x03\x09\x02\x01"),
		"a text in a header":   udh("\x0B\x70\x09" + hush),
		"a header that is cut": udh("\x05\x00\x0A"),
		"a header too long":    udh("\xFF"),
		"an esm_class of ours": func() smpp.PDU { p := smpptest.NewSubmit("1", "2", "Text:"+hush); p.ESMClass = 4; return p }(),
	} {
		pdu := smpp.AppendPDU(nil, 0, 1, p)
		before := bytes.Clone(pdu)
		for _, out := range []bool{false, true} {
			masked := withoutText(pdu, out)
			if bytes.Contains(masked, []byte("hush")) || len(masked) != len(pdu) || !bytes.Equal(masked[:smpp.HeaderLen], pdu[:smpp.HeaderLen]) {
				t.Errorf("%s: %q", name, masked)
			}
			if _, err := smpp.Decode(smpp.ParseHeader(masked), masked[smpp.HeaderLen:]); err != nil {
				t.Errorf("%s: what is masked cannot be read: %v", name, err)
			}
		}
		if !bytes.Equal(pdu, before) {
			t.Errorf("%s: the record itself was masked", name)
		}
	}
	masked := withoutText(smpp.AppendPDU(nil, 0, 1, udh("\x05\x00\x03\x09\x02\x01")), false)
	if !bytes.HasSuffix(masked, []byte("\x05\x00\x03\x09\x02\x01*********")) {
		t.Errorf("the part's numbers are not seen: %q", masked)
	}
}

// What cannot be read may have a text anywhere; unknown PDUs too.
func TestABodyThatCannotBeReadIsNotShown(t *testing.T) {
	broken := smpp.AppendPDU(nil, 0, 1, smpptest.NewSubmit("1", "2", "hush"))
	broken = broken[:len(broken)-1]
	broken[3] = byte(len(broken))
	unknown := append(smpp.AppendHeader(nil, 0x77, 0, 1), "hush"...)
	unknown[3] = byte(len(unknown))
	for _, pdu := range [][]byte{broken, unknown} {
		if got := withoutText(pdu, false); bytes.Contains(got, []byte("hus")) {
			t.Errorf("got %q", got)
		}
	}
}

func TestAddressesOfTwoKindsMeetInOneFlow(t *testing.T) {
	tr := New(Options{})
	tr.Switch("a", true)
	w := wire("a")
	w.Remote = &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 40000}
	tr.Record(w, link(1))
	w.Session, w.Remote = 2, &net.UnixAddr{Name: "x"}
	tr.Record(w, link(2))
	capture := written(t, tr, "a", false)
	if got, want := tshark(t, capture, []int{2346}, "smpp", "ipv6.src", "ipv6.dst", "ip.src"), "2001:db8::7|::ffff:127.0.0.1|\n||0.0.0.0\n"; got != want {
		t.Errorf("got %s", got)
	}
}

var _ session.Recorder = (*Traces)(nil)
