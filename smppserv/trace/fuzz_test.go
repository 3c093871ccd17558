package trace

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
)

// FuzzWrite holds that any PDU that a peer sends makes a file that can be read again, with the same length and header, and
// that neither a password nor, unless asked for, a text is in it.
func FuzzWrite(f *testing.F) {
	const text = "the secret text of somebody"
	source := smpp.Address{TON: 1, NPI: 1, Addr: "33612345678"}
	for _, p := range []smpp.PDU{
		&smpp.SubmitSM{Source: source, Dest: source, ShortMessage: []byte(text)},
		&smpp.SubmitSM{Source: source, Dest: source, ESMClass: 0x40, ShortMessage: append([]byte{5, 0, 3, 1, 2, 1}, text...)},
		&smpp.SubmitSM{Source: source, Dest: source, DataCoding: 8, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(text)}}},
		&smpp.DeliverSM{Source: source, Dest: source, ESMClass: 4, ShortMessage: []byte("id:1 stat:DELIVRD text:" + text)},
		&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "acme", Password: "secret1"},
		&smpp.EnquireLink{}, &smpp.ReplaceSM{MessageID: "1", Source: source, ShortMessage: []byte(text)},
	} {
		raw := smpp.AppendPDU(nil, smpp.ROK, 1, p)
		f.Add(uint32(p.Command()), raw[smpp.HeaderLen:], true, []byte{127, 0, 0, 1})
		f.Add(uint32(p.Command()), raw[smpp.HeaderLen:], false, bytes.Repeat([]byte{0x20}, 16))
		f.Add(uint32(p.Command()), raw[smpp.HeaderLen:len(raw)-(len(raw)-smpp.HeaderLen)/4], true, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, command uint32, body []byte, in bool, from []byte) {
		pdu := smpp.Header{Length: uint32(smpp.HeaderLen + len(body)), Command: smpp.CommandID(command), Sequence: 7}.Append(nil)
		pdu = append(pdu, body...)
		before := bytes.Clone(pdu)
		traces := New(Options{})
		traces.Switch("acme", true)
		traces.Record(session.Wire{Session: 1, SystemID: "acme", In: in, At: time.Unix(1_800_000_000, 1),
			Local: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2346}, Remote: &net.TCPAddr{IP: from, Port: 40000}}, pdu)
		whole, masked := carried(t, traces, true), carried(t, traces, false)
		if !bytes.Equal(pdu, before) {
			t.Fatal("what was recorded was changed")
		}
		for _, got := range [][]byte{whole, masked} {
			if len(got) != len(pdu) || !bytes.Equal(got[:smpp.HeaderLen], pdu[:smpp.HeaderLen]) {
				t.Fatalf("% x came out as % x", pdu, got)
			}
		}
		switch p, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, body); p := p.(type) {
		case *smpp.Bind:
			if again, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, whole[smpp.HeaderLen:]); err != nil || p.Password != "" && again.(*smpp.Bind).Password != stars(p.Password) {
				t.Fatalf("a bind came out as % x: %v", whole, err)
			}
		case *smpp.ReplaceSM:
			if again, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, masked[smpp.HeaderLen:]); err != nil || string(again.(*smpp.ReplaceSM).ShortMessage) != stars(string(p.ShortMessage)) {
				t.Fatalf("a replace_sm came out as % x: %v", masked, err)
			}
		case *smpp.SubmitSM:
			again, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, masked[smpp.HeaderLen:])
			if err != nil || p.ESMClass&0x40 == 0 && p.DataCoding != 8 && string(again.(*smpp.SubmitSM).ShortMessage) != stars(string(p.ShortMessage)) {
				t.Fatalf("a submit_sm came out as % x: %v", masked, err)
			}
		default:
			if err != nil && string(masked[smpp.HeaderLen:]) != stars(string(body)) {
				t.Fatalf("what cannot be read came out as % x", masked)
			}
		}
	})
}

func stars(text string) string { return string(bytes.Repeat([]byte{star}, len(text))) }

// carried is what the file carries, as a reader of pcapng finds it.
func carried(t *testing.T, traces *Traces, texts bool) (octets []byte) {
	var file bytes.Buffer
	if ok, err := traces.Write(&file, "acme", texts); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return octets
		}
		if err != nil {
			t.Fatal(err)
		}
		packet := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		tcp, is := packet.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !is {
			t.Fatalf("no TCP: %v", packet)
		}
		octets = append(octets, tcp.Payload...)
	}
}
