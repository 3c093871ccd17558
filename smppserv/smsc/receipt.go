package smsc

import (
	"encoding/binary"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// Network types of network_error_code (SMPP 3.4, 5.3.2.31; 5.0, 4.8.4.42).
const (
	networkGSM = 3
	networkSMC = 8 // of the message centre itself, 5.0 only
)

// receipt writes a delivery receipt, or an intermediate notification (3.4, 2.11 and appendix B).
// A 3.3 session gets the text alone.
func receipt(d *smpp.DeliverSM, m *sms.Message, c *Client, version byte) {
	r := m.Receipt
	id := formatID(r.Of, version, c.ReceiptIDHex)
	original := smpp.ParseTLVs(m.TLVs)
	text := smpp.Receipt{
		ID: id, Submitted: 1, SubmitDate: r.SubmittedAt, DoneDate: r.DoneAt,
		State: smpp.MessageState(r.State), Err: min(r.Error, 999),
	}
	if r.State == sms.Delivered {
		text.Delivered = 1
	}
	if private, _ := original.Uint8(smpp.TagPrivacyIndicator); private == 0 {
		text.Text = decode([]*sms.Message{m})
	}
	d.ESMClass = smpp.ESMReceipt
	if m.Kind == sms.KindIntermediate {
		d.ESMClass = smpp.ESMIntermediate
	}
	d.ShortMessage = text.Append(nil)
	if version < smpp.V34 {
		return
	}
	d.TLVs = smpp.TLVs{smpp.TLVString(smpp.TagReceiptedMessageID, id), smpp.TLVUint8(smpp.TagMessageState, byte(r.State))}
	if r.Error != 0 {
		network := byte(networkGSM)
		if version >= smpp.V50 {
			network = networkSMC
		}
		d.TLVs = append(d.TLVs, smpp.TLV{Tag: smpp.TagNetworkErrorCode, Value: binary.BigEndian.AppendUint16([]byte{network}, uint16(r.Error))})
	}
	if ref, ok := original.Uint16(smpp.TagUserMessageReference); ok {
		d.TLVs = append(d.TLVs, smpp.TLVUint16(smpp.TagUserMessageReference, ref))
	}
}

// userText is a message's content behind its user data header.
func userText(m *sms.Message) []byte {
	if m.ESMClass&smpp.ESMUDHI != 0 {
		if _, rest, err := smstext.ParseUDH(m.Content); err == nil {
			return rest
		}
	}
	return m.Content
}

// decode joins the octets of the parts of a client's text and reads them. Its alphabet is the first part's.
func decode(ms []*sms.Message) string {
	if ms[0].FromHermes() {
		return string(ms[0].Content)
	}
	alphabet, err := smstext.ParseAlphabet(ms[0].Alphabet)
	if err != nil {
		alphabet = smstext.GSM7
	}
	var parts [][]byte
	header := 0
	for _, m := range ms {
		text := userText(m)
		header = len(m.Content) - len(text)
		parts = append(parts, text)
	}
	if alphabet == smstext.GSM7Packed {
		return smstext.JoinPacked(parts, smstext.FillBits(header))
	}
	return smstext.Join(alphabet, parts)
}

// Text reads what a client wrote, in one message or in the parts of a long one: as text, or, if it is none, as octets.
func Text(ms []*sms.Message) (text, alphabet string, data []byte) {
	alphabet = ms[0].Alphabet
	if alphabet != smstext.Binary.String() {
		return decode(ms), alphabet, nil
	}
	for _, m := range ms {
		data = append(data, userText(m)...)
	}
	return "", alphabet, data
}
