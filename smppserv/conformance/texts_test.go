package conformance

import (
	"encoding/hex"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// TestTexts drives the server with what clients send that write their texts and senders otherwise than their labels say,
// octet for octet as they were seen on the wire.
func TestTexts(t *testing.T) {
	s := &suite{t: t, outcomes: map[string]string{}}
	meaning := map[string]any{"system_id": "means", "bind_policy": "pair", "alphabets": map[string]string{"1": "gsm7", "3": "utf8"}}
	ascii := map[string]any{"system_id": "ascii", "bind_policy": "pair", "default_alphabet": "ascii"}
	w := s.newWorld(t, settings{"clients": worldClients(vocalcomMode, meaning, ascii)})
	defer w.stop(t)

	named := func(systemID string) *conn {
		return w.bind(t, account{SystemID: systemID, Password: accountSecret}, transceiver, smpp.V34)
	}
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	meant := named("means")
	for _, test := range []struct {
		name           string
		c              *conn
		esm            byte
		dcs            []byte
		texts          []string // hex, of each part
		want, encoding string
	}{
		{"à of node's smpp", c, 0, []byte{1}, []string{"7f20313068"}, "à 10h", "gsm7"},
		{"Latin-1 under data_coding 1", c, 0, []byte{1}, []string{"436166e9"}, "Café", "latin1"},
		{"IA5 under data_coding 1", c, 0, []byte{1}, []string{"5b407e5d"}, "[@~]", "ascii"},
		{"parts under data_coding 1, told by the last one", c, 0x40, []byte{1, 1}, []string{"05000331020131305b68", "0500033102027f"}, "10Ähà", "gsm7"},
		{"the client's own data_coding 1", meant, 0, []byte{1}, []string{"667e72205c737465727265696368"}, "für Österreich", "gsm7"},
		{"the client's own data_coding 3", meant, 0, []byte{3}, []string{"c3a9e29c93"}, "é✓", "utf8"},
		{"little-endian UCS-2", c, 0, []byte{8}, []string{"fffe530054004f005000"}, "STOP", "ucs2"},
		{"big-endian UCS-2 with its mark", c, 0, []byte{8}, []string{"feff00530054004f0050"}, "STOP", "ucs2"},
		{"little-endian parts, marked in the first", c, 0x40, []byte{8, 8}, []string{"050003320201fffe53005400", "0500033202024f005000"}, "STOP", "ucs2"},
		{"the mark behind a header", c, 0x40, []byte{8}, []string{"06050412345678fffe5300"}, "S", "ucs2"},
		{"parts with different data_codings", c, 0x40, []byte{3, 0}, []string{"05000321020144e96ae020", "050003210202057405"}, "Déjà été", "mixed"},
		{"Turkish, locking shift", c, 0x40, []byte{0}, []string{"032501011c070c1d04"}, "Şığş€", "gsm7"},
		{"Turkish, single shift", c, 0x40, []byte{0}, []string{"032401011b531b691b671b731b65"}, "Şığş€", "gsm7"},
		{"parts with a language each", c, 0x40, []byte{0, 0}, []string{"0800033302012501011c1b", "08000333020224010167"}, "Şğ", "gsm7"},
	} {
		dest := w.numberFor(t, "01")
		var id string
		for i, text := range test.texts {
			octets, err := hex.DecodeString(text)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if given := test.c.submit(textTo(test.c.next(), dest, test.esm, test.dcs[i], octets)); id == "" {
				id = given
			}
		}
		if got := w.awaitPush(t, withID(id)).Message; got.Text != test.want || got.Encoding != test.encoding {
			t.Errorf("%s: Hermès got %q in %s, want %q in %s", test.name, got.Text, got.Encoding, test.want, test.encoding)
		}
	}
	c.refused(textTo(c.next(), "3600", 0x40, 8, octets("050003340101 00 53 00")), smpp.RINVMSGLEN)

	// The whole PDU as a client sent it: "à 10h" from 33612345678 to 3600.
	c.SendRaw(octets("0000003500000004000000000000000400010133333631323334353637380001013336303000000000000000000100057f20313068"))
	c.expectResp(4, smpp.CmdSubmitSM, smpp.ROK)
	if got := w.awaitPush(t, func(p push) bool { return p.Message.From == "33612345678" }).Message; got.Text != "à 10h" || got.To != "3600" {
		t.Errorf("Hermès got %+v", got)
	}

	t.Run("a sender that is not UTF-8 is read, receipted and answered", func(t *testing.T) { latin1Sender(t, w) })
	t.Run("a name that never wrote is answered as an alphanumeric address", func(t *testing.T) { answeredName(t, w) })
	t.Run("default_alphabet ascii holds 160 characters", func(t *testing.T) {
		ascii, to := named("ascii"), w.number(t)
		for length, parts := range map[int][]int{160: {160}, 161: {6 + 153, 6 + 8}} {
			w.agent(t, agentAnswer{From: "1000", To: to, Client: "ascii", Text: strings.Repeat("x", length)})
			for i, want := range parts {
				got, raw := ascii.awaitDeliver("the text", func(p *smpp.DeliverSM) bool { return p.Dest.Addr == to })
				if ascii.ack(raw); len(got.ShortMessage) != want {
					t.Errorf("part %d of %d characters has %d octets, want %d", i+1, length, len(got.ShortMessage), want)
				}
			}
		}
	})
	t.Run("clients.alphabets is taken up without a restart", func(t *testing.T) {
		meaning["alphabets"] = map[string]string{"3": "cyrillic"}
		testkit.WriteConfig(t, w.dir, worldSettings(w.mode, w.hermes.URL()), settings{"clients": worldClients(vocalcomMode, meaning, ascii)})
		w.smppserv.Log.AwaitWords(t, "clients[means].alphabets")
		id := meant.submit(textTo(meant.next(), w.numberFor(t, "01"), 0, 3, octets("BF E0 D8")))
		if got := w.awaitPush(t, withID(id)).Message; got.Text != "При" {
			t.Errorf("Hermès got %q", got.Text)
		}
	})
}

func latin1Sender(t *testing.T, w *world) {
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	for _, sender := range []string{"\xD6sterreich", "\xDCbersee"} {
		pdu := vector(4, c.next(), octets("00 0500"), cstring(sender), octets("0101"), cstring("3600"), []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 2}, []byte("hi"))
		id := c.submit(pdu)
		read := w.awaitPush(t, withID(id)).Message.From
		if want := (smpp.Address{Addr: sender}).Text(); read != want {
			t.Errorf("% x is pushed as %q, want %q", sender, read, want)
		}
		if got := c.expectReceipt(id); got.Dest.Addr != sender || got.Dest.TON != 5 {
			t.Errorf("the receipt goes to % x", got.Dest.Addr)
		}
		w.agent(t, agentAnswer{From: "3600", To: read, Text: "answer"})
		got, raw := c.awaitDeliver("the answer", func(p *smpp.DeliverSM) bool { return string(p.ShortMessage) == "answer" })
		if c.ack(raw); got.Dest != (smpp.Address{TON: 5, Addr: sender}) {
			t.Errorf("the answer goes to %+v", got.Dest)
		}
	}
}

func answeredName(t *testing.T, w *world) {
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	w.agent(t, agentAnswer{From: "3600", To: "Kunde", Client: a.SystemID, Text: "answer"})
	got, raw := c.awaitDeliver("the answer", func(p *smpp.DeliverSM) bool { return p.Dest.Addr == "Kunde" })
	if c.ack(raw); got.Dest.TON != 5 || got.Dest.NPI != 0 {
		t.Errorf("it goes to %+v", got.Dest)
	}
	line := dialTCPPort(t, w.smppserv.TCP)
	for to, why := range map[string]string{"Kundenberaterin Müllerin": "20 octets", "Kun\x01de": "control character", "客户": "cannot be written", "06 12": "must be digits"} {
		r := line.send(t, agentAnswer{From: "3600", To: to, Client: a.SystemID, Text: "x"})
		if r.Code != "bad_request" || !strings.HasPrefix(r.Error, "to: ") || !strings.Contains(r.Error, why) {
			t.Errorf("%q: %+v", to, r)
		}
	}
}
