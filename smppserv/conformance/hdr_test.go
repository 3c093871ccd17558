package conformance

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// maxPDU is the longest PDU that the server is documented to take, in octets.
const maxPDU = 70_000

var hdrRows = []row{
	{"HDR-01", "must", "enquire_link is answered by a header alone, with its sequence_number", enquireLinkIsAHeader},
	{"HDR-02", "must", "a command_length below 16 gets generic_nack RINVCMDLEN, then a close; nobody else notices", lengthBelowHeader},
	{"HDR-03", "must", "an absurd command_length gets generic_nack RINVCMDLEN at once, then a close, and no memory", lengthAbsurd},
	{"HDR-04", "must", "a submit_sm of 70 000 octets is judged by its content, a longer one ends the connection", lengthAtMaximum},
	{"HDR-05", "must", "HTTP, TLS or noise on the plain port is hung up on at once", noiseIsHungUpOn},
	{"HDR-06", "must", "an unknown command_id gets generic_nack RINVCMDID, and its body is skipped exactly", unknownCommands},
	{"HDR-07", "must", "responses that answer nothing change nothing, and generic_nack is never answered", strayResponses},
	{"HDR-08", "should", "deliver_sm, outbind and alert_notification from a client are refused; the session goes on", wrongDirection},
	{"HDR-09", "must", "sequence_numbers in any order, wrapped or used again, are echoed as they came", sequenceOrder},
	{"HDR-10", "should", "reserved sequence_numbers are echoed, and a command_status in a request is ignored", sequenceReserved},
	{"HDR-11", "should", "two submits in flight with one sequence_number get two answers and two ids", sequenceTwice},
	{"HDR-12", "must", "a client's submit may have the sequence_number of the server's deliver_sm in flight", sequenceOfBothSides},
	{"HDR-13", "must", "a PDU may come in pieces of any size", pduInPieces},
	{"HDR-14", "must", "100 PDUs in one write get 100 answers", pdusInOneWrite},
	{"HDR-15", "must", "a PDU without its end is no sign of life: the timers end the connection", pduWithoutEnd},
	{"HDR-16", "must", "PDUs that should be headers alone may have octets after the header", octetsAfterTheHeader},
	{"HDR-17", "should", "a client that closes only its sending half gets its answers, and its place is free then", halfClose},
}

func enquireLinkIsAHeader(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.SendRaw(octets("00000010 00000015 00000000 00000008"))
	if got, want := c.ReadRaw(soon), octets("00000010 80000015 00000000 00000008"); !bytes.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
}

// expectFramingLost requires generic_nack RINVCMDLEN within a second, with a sequence_number that could be read or 0, and a close.
func (c *conn) expectFramingLost(seq uint32) {
	c.t.Helper()
	raw := c.ReadRaw(time.Second)
	if !bytes.Equal(raw[:12], octets("00000010 80000000 00000002")) || sequenceOf(raw) != seq && sequenceOf(raw) != 0 {
		c.t.Fatalf("got % x, want generic_nack RINVCMDLEN with the sequence_number 0 or %#x", raw, seq)
	}
	c.expectClose(soon)
}

func lengthBelowHeader(t *testing.T, s *suite) {
	// Of its own, because it looks at the time that the process takes.
	w := s.world(t, settings{"server.keep_alive_interval": "1s"})
	bystander := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, length := range []uint32{15, 0, 4, 8, 12} {
		c := w.bind(t, w.account(t), transceiver, smpp.V34)
		c.exempt("its framing is broken")
		c.SendRaw(withLength(e0(8), length))
		c.expectFramingLost(8)
		bystander.expectAlive()
	}
	bystander.AutoEnquire(false)
	began := time.Now()
	before, known := w.cpuTime(t)
	bystander.Expect(smpp.CmdEnquireLink) // the next thing that the server has to do
	took := time.Since(began)
	if after, _ := w.cpuTime(t); known && after-before > took/2 {
		t.Errorf("smppserv took %v of processor time within %v, with nothing to do", after-before, took)
	}
}

func lengthAbsurd(t *testing.T, s *suite) {
	w := s.world(t, nil) // of its own, because it looks at the memory that the process takes
	bystander := w.bind(t, w.account(t), transceiver, smpp.V34)
	before, known := w.memory(t)
	for _, header := range []string{"7FFFFFFF 00000004 00000000 00000021", "FFFFFFFF 00000004 00000000 00000021"} {
		for range 5 {
			c := w.bind(t, w.account(t), transceiver, smpp.V34)
			c.exempt("its framing is broken")
			c.SendRaw(octets(header))
			c.expectFramingLost(0x21)
		}
	}
	const jump = 64 << 20
	if after, _ := w.memory(t); known && after > before+jump {
		t.Errorf("smppserv's memory went from %d to %d octets", before, after)
	}
	bystander.expectAlive()
}

func lengthAtMaximum(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	submitOf := func(length int) []byte {
		b := insert(s0(0x31), 48, 54, 0) // no short_message
		b = withTLV(b, 0x0424, bytes.Repeat([]byte{'m'}, 65_535)...)
		return withTLV(b, 0x3FFF, make([]byte, length-len(b)-4)...)
	}
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	c.SendRaw(submitOf(maxPDU))
	c.expectAnswer(0x31, resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RINVMSGLEN))
	c.expectAlive()

	c.exempt("its framing is broken")
	c.SendRaw(submitOf(maxPDU + 1))
	c.expectFramingLost(0x31)

	c = w.bind(t, a, transceiver, smpp.V34)
	c.exempt("its framing is broken")
	c.SendRaw(submitOf(maxPDU + 1)[:16])
	c.expectFramingLost(0x31)
}

func noiseIsHungUpOn(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	noise := make([]byte, 64)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	noise[0] |= 0x80 // else its length could be possible
	for _, test := range []struct {
		name   string
		octets []byte
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"ClientHello", clientHello(t)},
		{"64 random octets", noise},
		{"1 MiB of 0xFF", bytes.Repeat([]byte{0xFF}, 1<<20)},
	} {
		opened := time.Now()
		c := w.dial(t)
		c.exempt("it does not speak SMPP")
		// While it is still written the server may be gone already: the error is no fault of either.
		_, _ = c.Conn().Write(test.octets)
		var came [][]byte
		for {
			raw, err := c.TryRead(soon)
			if err == nil {
				came = append(came, raw)
				continue
			}
			// Hanging up on a client that has more to say cannot be but an RST.
			if !errors.Is(err, io.EOF) && len(test.octets) < 1<<20 {
				t.Errorf("%s: wanted a close, got %v", test.name, err)
			}
			break
		}
		if len(came) > 1 || len(came) == 1 && !bytes.Equal(came[0][:12], octets("00000010 80000000 00000002")) {
			t.Errorf("%s: got % x, want generic_nack RINVCMDLEN or nothing", test.name, came)
		}
		if took := time.Since(opened); took > time.Second {
			t.Errorf("%s: closed after %v, want at once", test.name, took)
		}
	}
	w.bind(t, w.account(t), transceiver, smpp.V34).expectAlive()
}

// clientHello is what a TLS client writes first.
func clientHello(t *testing.T) []byte {
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	go tls.Client(client, &tls.Config{ServerName: "localhost"}).Handshake()
	hello := make([]byte, 4096)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

func unknownCommands(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, command := range []uint32{0x0A, 0x16, 0x23, 0x104, 0x10200} {
		for _, body := range [][]byte{nil, bytes.Repeat([]byte{0, 0, 0, 0x10}, 50)} {
			unknown, enquire := c.next(), c.next()
			c.SendRaw(together(vector(command, unknown, body), e0(enquire)))
			c.expectNack(unknown, smpp.RINVCMDID)
			c.expectHdr16(enquire, smpp.CmdEnquireLink, smpp.ROK)
		}
	}
	c.expectSilentAlive()
}

func strayResponses(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, stray := range [][]byte{
		vector(0x80000005, 0x7101, []byte{0}),
		vector(0x80000103, 0x7102, []byte{0}),
		vector(0x80000015, 0x7103),
		vector(0x80000006, 0x7104),
		vector(0x80000000, 0),
		vector(0x80000000, 0x7777),
	} {
		c.SendRaw(stray)
		c.expectSilentAlive()
	}
	const unknown = 0x7105
	c.SendRaw(vector(0x8000000A, unknown))
	for _, raw := range c.collect(500 * time.Millisecond) {
		if commandOf(raw) != smpp.CmdGenericNack || statusOf(raw) != smpp.RINVCMDID || sequenceOf(raw) != unknown {
			t.Errorf("an unknown response is answered by % x", raw)
		}
	}
	c.expectAlive()
	c.submit(s0(2))
}

func wrongDirection(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.SendRaw(patch(s0(0x41), 4, 0, 0, 0, 5))
	c.expectAnswer(0x41, resp(smpp.CmdDeliverSM, smpp.RINVBNDSTS), nack(smpp.RINVCMDID))
	c.SendRaw(vector(0x0B, 0x42, cstring("esme1"), cstring("secret1")))
	c.expectAnswer(0x42, nack(smpp.RINVCMDID), nack(smpp.RINVBNDSTS))
	c.SendRaw(vector(0x102, 0x43, octets("0101"), cstring("447700900001"), octets("0101"), cstring("1000")))
	for _, raw := range c.collect(500 * time.Millisecond) {
		if commandOf(raw) != smpp.CmdGenericNack || sequenceOf(raw) != 0x43 {
			t.Errorf("alert_notification is answered by % x", raw)
		}
	}
	c.expectAlive()
}

func sequenceOrder(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, seq := range []uint32{1, 0x7FFFFFFF, 1, 900, 17} {
		c.SendRaw(e0(seq))
		if got, want := c.ReadRaw(soon), patch(e0(seq), 4, 0x80); !bytes.Equal(got, want) {
			t.Errorf("got % x, want % x", got, want)
		}
	}
	c.expectSilentAlive()
}

func sequenceReserved(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, seq := range []uint32{0, 0x80000000, 0xFFFFFFFF} {
		for _, request := range [][]byte{e0(seq), s0(seq)} {
			c.SendRaw(request)
			raw := c.ReadRaw(soon)
			if got := commandOf(raw); sequenceOf(raw) != seq || got != smpp.CmdGenericNack && (got != commandOf(request)|smpp.CmdGenericNack || statusOf(raw) != smpp.ROK) {
				t.Errorf("seq %#x: %v is answered by % x", seq, commandOf(request), raw)
			}
		}
		c.expectAlive()
	}
	c.submit(patch(s0(2), 8, 0, 0, 0, 0xFF))
}

func sequenceTwice(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.SendRaw(together(s0(7), s0(7)))
	first := c.messageID(c.expectResp(7, smpp.CmdSubmitSM, smpp.ROK))
	second := c.messageID(c.expectResp(7, smpp.CmdSubmitSM, smpp.ROK))
	if first == second {
		t.Errorf("both have the message_id %s", first)
	}
	c.expectSilentAlive()
}

func sequenceOfBothSides(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	w.mo(t, a, "1000", w.number(t), "same number")
	_, raw := c.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
	c.submit(s0(sequenceOf(raw)))
	c.ack(raw)
	c.expectNoDeliver(4 * time.Second) // else the acknowledgement was lost: it comes again
	c.expectAlive()
}

func pduInPieces(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	c.AutoEnquire(false)
	pdu := s0(c.next())
	for i := range pdu {
		if i > 0 {
			c.ExpectSilence(10 * time.Millisecond)
		}
		c.SendRaw(pdu[i : i+1])
	}
	ids := map[string]bool{c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdSubmitSM, smpp.ROK)): true}
	for at := 1; at < len(pdu); at++ {
		pdu := s0(c.next())
		c.SendRaw(pdu[:at])
		c.ExpectSilence(15 * time.Millisecond)
		c.SendRaw(pdu[at:])
		ids[c.messageID(c.expectResp(sequenceOf(pdu), smpp.CmdSubmitSM, smpp.ROK))] = true
	}
	if len(ids) != len(pdu) {
		t.Errorf("%d submits got %d ids", len(pdu), len(ids))
	}
	c.AutoEnquire(true)
	c.expectSilentAlive()
}

func pdusInOneWrite(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	var all []byte
	want := map[uint32]answer{}
	for range 98 {
		seq := c.next()
		all = append(all, s0(seq)...)
		want[seq] = resp(smpp.CmdSubmitSM, smpp.ROK)
	}
	unknown, enquire := c.next(), c.next()
	all = append(append(all, vector(0x0A, unknown)...), e0(enquire)...)
	want[unknown], want[enquire] = nack(smpp.RINVCMDID), resp(smpp.CmdEnquireLink, smpp.ROK)
	c.SendRaw(all)
	for len(want) > 0 {
		raw := c.ReadRaw(soon)
		got := answer{commandOf(raw), statusOf(raw)}
		if want[sequenceOf(raw)] != got {
			t.Fatalf("%#x is answered by %v, want %v", sequenceOf(raw), got, want[sequenceOf(raw)])
		}
		delete(want, sequenceOf(raw))
	}
	c.expectSilentAlive()
}

func pduWithoutEnd(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	opened := time.Now()
	c := w.dial(t)
	c.SendRaw(e0(8)[:10])
	c.expectSessionInit(opened)

	a := w.account(t)
	c = w.bind(t, a, transceiver, smpp.V34)
	c.AutoEnquire(false)
	pdu := s0(2)
	c.SendRaw(pdu[:len(pdu)-1])
	w.mo(t, a, "1000", w.number(t), "meanwhile")
	var delivered, enquired bool
	for _, raw := range c.drain(10 * time.Second) {
		delivered = delivered || commandOf(raw) == smpp.CmdDeliverSM
		enquired = enquired || commandOf(raw) == smpp.CmdEnquireLink
		if commandOf(raw).IsResponse() {
			t.Errorf("half a submit_sm is answered by % x", raw)
		}
	}
	if !delivered || !enquired {
		t.Errorf("deliver_sm came: %v, enquire_link came: %v; want both", delivered, enquired)
	}
	if pushes := w.pushes(by(a)); len(pushes) > 0 {
		t.Errorf("half a submit_sm was accepted: %v", pushes)
	}
}

func octetsAfterTheHeader(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	c.AutoEnquire(false)
	h, _ := c.Expect(smpp.CmdEnquireLink)
	c.SendRaw(vector(0x80000015, h.Sequence, []byte{0}))
	c.AutoEnquire(true)
	c.ExpectSilence(3 * time.Second) // more than the time after which a lost answer ends the session
	c.expectAlive()

	for i, body := range [][]byte{nil, {0}, cstring(fmt.Sprintf("%064d", 7))} {
		w.mo(t, a, "1000", w.number(t), fmt.Sprint("message ", i))
		_, raw := c.awaitDeliver("the message", func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == fmt.Sprint("message ", i) })
		c.SendRaw(vector(0x80000005, sequenceOf(raw), body))
	}
	c.ExpectSilence(4 * time.Second) // neither a nack nor one of them again
	c.expectAlive()

	c.SendRaw(vector(0x15, 0x51, make([]byte, 4)))
	c.expectAnswer(0x51, resp(smpp.CmdEnquireLink, smpp.ROK), resp(smpp.CmdEnquireLink, smpp.RINVCMDLEN), nack(smpp.RINVCMDLEN))
	c.expectAlive()

	c.SendRaw(vector(0x06, 0x52, []byte{0}))
	raw := c.expectAnswer(0x52, resp(smpp.CmdUnbind, smpp.ROK), resp(smpp.CmdUnbind, smpp.RINVCMDLEN), nack(smpp.RINVCMDLEN))
	if statusOf(raw) != smpp.ROK {
		c.expectAlive()
		return
	}
	c.expectClose(soon)
}

func halfClose(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	a := w.account(t)
	w.bind(t, a, transceiver, smpp.V34)
	c := w.bind(t, a, transceiver, smpp.V34)
	c.SendRaw(s0(2))
	c.CloseWrite()
	c.expectResp(2, smpp.CmdSubmitSM, smpp.ROK)
	c.expectClose(soon)
	w.bind(t, a, transceiver, smpp.V34)
}
