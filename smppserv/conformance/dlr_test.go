package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

var dlrRows = []row{
	{"DLR-01", "must", "registered_delivery asks for no receipt, for one, or for one when the message is not delivered", receiptsAsked},
	{"DLR-02", "must", "a receipt is a deliver_sm with the addresses turned round, of the message type receipt", receiptAddresses},
	{"DLR-03", "must", "a receipt has its text in short_message, in ASCII, and NULL in the fields that it does not use", receiptFields},
	{"DLR-04", "must", "a receipt's text has all fields of Appendix B, in its order and widths", receiptAppendixB},
	{"DLR-05", "must", "stat and message_state agree, and name the outcome", receiptStates},
	{"DLR-06", "must", "a receipt names the message_id exactly as the submit_sm_resp did, in text and TLV", receiptIDs},
	{"DLR-07", "should", "err and network_error_code agree; 000 is success", receiptErrors},
	{"DLR-08", "must", "a receipt bears the submit's user_message_reference", receiptReference},
	{"DLR-09", "must", "a receipt to a 3.3 client has no TLV", receiptOn33},
	{"DLR-10", "should", "no receipt comes before the submit_sm_resp of its message", receiptAfterResponse},
	{"DLR-11", "must", "a deliver_sm that the client refuses for now comes again; one refused for good does not", refusedDeliveries},
	{"DLR-12", "must", "a deliver_sm without an answer comes again on the next session; an acknowledged one never", unansweredDeliveries},
	{"DLR-13", "should", "intermediate notifications only where asked for; SME acknowledgement requests reach the recipient", otherRequests},
	{"DLR-14", "must", "an SME acknowledgement and a datagram get no receipt", noReceipts},
}

// An outcome is a way for a message to end. Hermès cannot reject, as SMPP means it: what it refuses is UNDELIVERABLE.
type outcome struct {
	name       string
	ending     string // of the number
	status     int    // of Hermès, where the ending does not say it
	validity   string
	cancelled  bool
	stat       string
	state      byte
	successful bool
}

var outcomes = []outcome{
	{name: "delivered", ending: "01", stat: "DELIVRD", state: 2, successful: true},
	{name: "undeliverable", ending: "02", stat: "UNDELIV", state: 5},
	{name: "rejected", ending: "04", status: 400, stat: "UNDELIV", state: 5},
	{name: "expired", ending: "03", validity: "000000000001000R", stat: "EXPIRED", state: 3},
	{name: "cancelled", ending: "01", cancelled: true, stat: "DELETED", state: 4},
}

// bringAbout submits a message from 1000 that ends so, and returns its message_id and destination.
func (w *world) bringAbout(t *testing.T, c *conn, o outcome, registered byte) (id, dest string) {
	t.Helper()
	dest = w.numberTo(t, o.ending)
	if o.status != 0 {
		w.hermes.Script(dest, testkit.Answer{Status: o.status})
	}
	p := smpptest.NewSubmit("1000", dest, "hello")
	p.RegisteredDelivery, p.ValidityPeriod = registered, o.validity
	if o.cancelled {
		p.ScheduleDeliveryTime = "000000010000000R"
	}
	id = c.SubmitSM(p)
	if o.cancelled {
		seq := c.next()
		c.SendRaw(c0(seq, id, "1000", dest))
		c.expectHdr16(seq, smpp.CmdCancelSM, smpp.ROK)
	}
	return id, dest
}

func receiptsAsked(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	states := map[string]byte{}
	var wanted []string
	for _, registered := range []byte{0, 1, 2} {
		for _, o := range outcomes {
			id, _ := w.bringAbout(t, c, o, registered)
			states[id] = o.state
			if registered == 1 || registered == 2 && !o.successful {
				wanted = append(wanted, id)
			}
		}
	}
	for id, state := range states {
		c.awaitState(id, "1000", state)
	}
	for _, id := range wanted {
		c.expectReceipt(id)
	}
	c.expectNoDeliver(time.Second)
}

// deliveredReceipt submits "hello" to Hermès, from 1000 with TON 2 and NPI 8, and returns its receipt.
func deliveredReceipt(t *testing.T, s *suite) (dest string, r *deliveryReceipt) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	dest = w.numberTo(t, "01")
	p := smpptest.NewSubmit("1000", dest, "hello")
	p.RegisteredDelivery = 1
	p.Source.TON, p.Source.NPI = 2, 8
	return dest, c.expectReceipt(c.SubmitSM(p))
}

func receiptAddresses(t *testing.T, s *suite) {
	dest, r := deliveredReceipt(t, s)
	if want := (smpp.Address{TON: 1, NPI: 1, Addr: dest}); r.Source != want {
		t.Errorf("from %+v, want %+v", r.Source, want)
	}
	if want := (smpp.Address{TON: 2, NPI: 8, Addr: "1000"}); r.Dest != want {
		t.Errorf("to %+v, want %+v", r.Dest, want)
	}
	// The design has 0x04 alone.
	if r.ESMClass != 0x04 {
		t.Errorf("esm_class %#x, want 0x04", r.ESMClass)
	}
}

func receiptFields(t *testing.T, s *suite) {
	_, r := deliveredReceipt(t, s)
	r.expectUnusedNull(t)
	if r.RegisteredDelivery != 0 {
		t.Errorf("registered_delivery %#x, want 0", r.RegisteredDelivery)
	}
	if !slices.Contains([]byte{0, 1, 3}, r.DataCoding) {
		t.Errorf("data_coding %#x, want 0, 1 or 3", r.DataCoding)
	}
	if len(r.ShortMessage) == 0 || r.TLVs.Has(smpp.TagMessagePayload) {
		t.Error("the text is not in short_message")
	}
	for _, octet := range r.ShortMessage {
		if octet < 0x20 || octet > 0x7E {
			t.Errorf("the text %q is not ASCII", r.ShortMessage)
			break
		}
	}
}

// expectUnusedNull requires NULL in the fields that 3.4 has in deliver_sm for no use (4.6.1).
func (r *deliveryReceipt) expectUnusedNull(t *testing.T) { expectUnusedNull(t, r.DeliverSM) }

func expectUnusedNull(t *testing.T, p *smpp.DeliverSM) {
	t.Helper()
	if p.ScheduleDeliveryTime != "" || p.ValidityPeriod != "" || p.ReplaceIfPresent != 0 || p.DefaultMsgID != 0 {
		t.Errorf("schedule_delivery_time %q, validity_period %q, replace_if_present_flag %d, sm_default_msg_id %d; want all NULL",
			p.ScheduleDeliveryTime, p.ValidityPeriod, p.ReplaceIfPresent, p.DefaultMsgID)
	}
}

func receiptAppendixB(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, o := range outcomes {
		id, _ := w.bringAbout(t, c, o, 1)
		r := c.expectReceipt(id) // it matches the expression of the list, else it would not be found
		dlvrd := "000"
		if o.successful {
			dlvrd = "001"
		}
		if r.Sub != "001" || r.Dlvrd != dlvrd {
			t.Errorf("%s: sub %s dlvrd %s, want 001 and %s", o.name, r.Sub, r.Dlvrd, dlvrd)
		}
		if r.Excerpt != "hello" {
			t.Errorf("%s: the text is %q, want hello", o.name, r.Excerpt)
		}
		submitted, err1 := time.Parse("0601021504", r.SubmitDate)
		done, err2 := time.Parse("0601021504", r.DoneDate)
		if err1 != nil || err2 != nil || done.Before(submitted) || time.Since(submitted).Abs() > 15*time.Hour {
			t.Errorf("%s: submit date %s and done date %s", o.name, r.SubmitDate, r.DoneDate)
		}
	}
}

// Of the states of table B-2 ACCEPTD, UNKNOWN and REJECTD are none of Hermès'.
func receiptStates(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	for _, o := range outcomes {
		id, _ := w.bringAbout(t, c, o, 1)
		r := c.expectReceipt(id)
		if state, _ := r.TLVs.Uint8(smpp.TagMessageState); r.Stat != o.stat || state != o.state {
			t.Errorf("%s: stat:%s, message_state %d; want %s and %d", o.name, r.Stat, state, o.stat, o.state)
		}
	}
}

func receiptIDs(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, a := range []account{w.account(t), w.fixture(t, "hexid")} {
		c := w.bind(t, a, transceiver, smpp.V34)
		for _, o := range outcomes {
			id, _ := w.bringAbout(t, c, o, 1)
			r := c.expectReceipt(id)
			if tlv, _ := r.TLVs.Get(smpp.TagReceiptedMessageID); !bytes.Equal(tlv, cstring(id)) {
				t.Errorf("%s: receipted_message_id % x, want % x", o.name, tlv, cstring(id))
			}
			if tlv, _ := r.TLVs.Get(smpp.TagMessageState); len(tlv) != 1 {
				t.Errorf("%s: message_state % x, want one octet", o.name, tlv)
			}
		}
	}
}

func receiptErrors(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	for _, session := range []struct {
		version  byte
		lastType byte // of network_error_code: 8, specific to the message centre, is of 5.0
	}{{smpp.V34, 3}, {smpp.V50, 8}} {
		c := w.bind(t, w.account(t), transceiver, session.version)
		for _, o := range outcomes {
			id, _ := w.bringAbout(t, c, o, 1)
			r := c.expectReceipt(id)
			name := fmt.Sprintf("%s, on %#x", o.name, session.version)
			tlv, failed := r.TLVs.Get(smpp.TagNetworkErrorCode)
			if o.successful {
				if r.Err != "000" || failed {
					t.Errorf("%s: err:%s, network_error_code % x; want 000 and none", name, r.Err, tlv)
				}
				continue
			}
			if !failed && o.cancelled {
				continue // the client's own wish is hardly an error
			}
			if len(tlv) != 3 || tlv[0] < 1 || tlv[0] > session.lastType {
				t.Errorf("%s: network_error_code % x, want a type of 1 to %d and two octets", name, tlv, session.lastType)
				continue
			}
			if code, err := strconv.Atoi(r.Err); err != nil || code != int(binary.BigEndian.Uint16(tlv[1:])) {
				t.Errorf("%s: err:%s, network_error_code % x", name, r.Err, tlv)
			}
			// The design has Hermès' status there.
			want := map[string]string{"undeliverable": "404", "rejected": "400"}[o.name]
			if want != "" && r.Err != want {
				t.Errorf("%s: err:%s, want %s", name, r.Err, want)
			}
		}
	}
}

func receiptReference(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	r := c.expectReceipt(c.submit(withTLV(patch(s0(2), 44, 1), 0x0204, 0xBE, 0xEF)))
	if got, _ := r.TLVs.Get(smpp.TagUserMessageReference); !bytes.Equal(got, []byte{0xBE, 0xEF}) {
		t.Errorf("user_message_reference % x, want be ef", got)
	}
}

func receiptOn33(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V33)
	for _, o := range outcomes {
		id, _ := w.bringAbout(t, c, o, 1)
		r := c.expectReceipt(id)
		if text := append([]byte{byte(len(r.ShortMessage))}, r.ShortMessage...); len(r.TLVs) != 0 || !bytes.HasSuffix(r.Raw, text) {
			t.Errorf("%s: there are octets after short_message: % x", o.name, r.Raw)
		}
		if r.ESMClass != 0x04 {
			t.Errorf("%s: esm_class %#x, want 0x04", o.name, r.ESMClass)
		}
		if len(id) > 8 || r.Stat != o.stat {
			t.Errorf("%s: id:%s stat:%s", o.name, id, r.Stat)
		}
	}
}

func receiptAfterResponse(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	c := w.bind(t, w.account(t), transceiver, smpp.V34)
	const submits, burst = 1000, 100
	answered, receipted := map[string]bool{}, map[string]bool{}
	take := func() {
		raw := c.ReadRaw(patience)
		if commandOf(raw) == smpp.CmdSubmitSMResp && statusOf(raw) == smpp.ROK {
			answered[c.messageID(raw)] = true
			return
		}
		r := receiptOf(raw)
		if r == nil {
			t.Fatalf("got % x", raw)
		}
		c.ack(raw)
		if !answered[r.ID] {
			t.Errorf("the receipt of %s came before its submit_sm_resp", r.ID)
		}
		receipted[r.ID] = true
	}
	for range submits / burst {
		var all []byte
		for range burst {
			all = append(all, patch(s0(c.next()), 44, 1)...)
		}
		c.SendRaw(all)
		for already := len(answered); len(answered) < already+burst; {
			take()
		}
	}
	for len(receipted) < submits {
		take()
	}
	c.expectSilentAlive()
}
