package translate

import (
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// receipt writes a delivery receipt, or an intermediate notification (3.4, 2.11 and appendix B).
// A 3.3 session gets the text alone.
func (e ESME) receipt(d *smpp.DeliverSM, m *sms.Message) {
	r := m.Receipt
	// As in the answer to the submit, whose session may have been of another version.
	short := e.Version < smpp.V34 || m.InterfaceVersion != 0 && m.InterfaceVersion < smpp.V34
	id := r.Of.Format(e.ReceiptIDHex, short)
	original := smpp.ParseTLVs(m.TLVs)
	text := smpp.Receipt{
		ID: id, Submitted: 1, SubmitDate: r.SubmittedAt, DoneDate: r.DoneAt,
		State: smpp.MessageState(r.State), Err: min(r.Error, 999),
	}
	if r.State == sms.Delivered {
		text.Delivered = 1
	}
	if private, _ := original.Uint8(smpp.TagPrivacyIndicator); private == 0 {
		text.Text = Text([]*sms.Message{m})
	}
	d.ESMClass = smpp.ESMReceipt
	if m.Kind == sms.KindIntermediate {
		d.ESMClass = smpp.ESMIntermediate
	}
	d.ShortMessage = text.Append(nil)
	if e.Version < smpp.V34 {
		return
	}
	d.TLVs = smpp.TLVs{smpp.TLVString(smpp.TagReceiptedMessageID, id), smpp.TLVUint8(smpp.TagMessageState, byte(r.State))}
	if r.Error != 0 {
		d.TLVs = append(d.TLVs, networkError(r.Error, e.Version))
	}
	if r.DPF {
		d.TLVs = append(d.TLVs, smpp.TLVUint8(smpp.TagDpfResult, 1))
	}
	if ref, ok := original.Uint16(smpp.TagUserMessageReference); ok {
		d.TLVs = append(d.TLVs, smpp.TLVUint16(smpp.TagUserMessageReference, ref))
	}
}
