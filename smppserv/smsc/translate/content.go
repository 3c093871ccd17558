package translate

import (
	"bytes"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// content takes the text of r, from short_message, message_payload or the canned ones, and finds out how it is written.
func (e ESME) content(m *sms.Message, r *smpp.SubmitSM) error {
	text := r.ShortMessage
	if payload, ok := r.TLVs.Get(smpp.TagMessagePayload); ok {
		if len(text) > 0 && e.Version < smpp.V50 {
			return smpp.ROPTPARNOTALLWD
		}
		text = payload
	}
	if err := e.checkLength(text); err != nil {
		return err
	}
	if r.DefaultMsgID != 0 && len(text) == 0 {
		m.ESMClass &^= smpp.ESMUDHI // there is no header in a canned text
	}
	var err error
	if text, err = e.canned(r.DefaultMsgID, text, &m.DataCoding); err != nil {
		return err
	}
	if err := e.readContent(m, text, r.TLVs); err != nil {
		return err
	}
	m.Content = bytes.Clone(text)
	m.TLVs = carried(r.TLVs)
	return nil
}

// canned puts the message that sm_default_msg_id names in the place of an empty text, in the client's own alphabet if it fits.
func (e ESME) canned(id byte, text []byte, dcs *byte) ([]byte, error) {
	if id == 0 {
		return text, nil
	}
	said, ok := e.Canned[id]
	switch {
	case !ok:
		return nil, smpp.RINVDFTMSGID
	case len(text) > 0: // what the client wrote itself counts
		return text, nil
	}
	var alphabet smstext.Alphabet
	alphabet, *dcs = e.codings().Choose(said)
	text, _ = smstext.Encode(alphabet, said)
	return text, nil
}

// readContent finds out how a text is written and which part of a longer one it is, and judges its header and length.
func (e ESME) readContent(m *sms.Message, text []byte, tlvs smpp.TLVs) error {
	alphabet := e.codings().Alphabet(m.DataCoding)
	payload := text
	var languages smstext.Languages
	if m.ESMClass&smpp.ESMUDHI != 0 {
		if tlvs.Has(smpp.TagSarMsgRefNum) || tlvs.Has(smpp.TagSarTotalSegments) || tlvs.Has(smpp.TagSarSegmentSeqnum) ||
			tlvs.Has(smpp.TagSourcePort) || tlvs.Has(smpp.TagDestinationPort) {
			return smpp.ROPTPARNOTALLWD
		}
		udh, rest, err := smstext.ParseUDH(text)
		if err != nil {
			return smpp.RINVESMCLASS
		}
		payload, languages = rest, udh.Languages()
		if part, ok := udh.Concat(); ok {
			m.Part, m.PartForm = sms.Part{Ref: part.Ref, Total: part.Total, Seq: part.Seq}, sms.FormUDH8
			if part.Wide {
				m.PartForm = sms.FormUDH16
			}
		}
	} else if err := readSAR(m, tlvs); err != nil {
		return err
	}
	whole := m.Part.Total < 2
	// A part may end within a surrogate pair, but a whole text has no half characters (TXT-03).
	if whole && e.halfCharacter(m.DataCoding, payload) {
		return smpp.RINVMSGLEN
	}
	if whole { // parts are judged when they are together
		alphabet = judged(alphabet, payload, languages)
	}
	m.Alphabet = alphabet.String()
	return nil
}

// halfCharacter tells whether a text ends within a character of the UCS-2 that its data_coding, the standard's or the client's
// own, says it is. Texts with a message class are passed on as they come (TXT-06).
func (e ESME) halfCharacter(dcs byte, text []byte) bool {
	codings := e.codings()
	_, own := codings.Others[dcs]
	return (own || dcs == dataCodingUCS2) && codings.Alphabet(dcs) == smstext.UCS2 && len(text)%2 != 0
}

// judged is the alphabet of a whole text that came as IA5, by its octets.
func judged(a smstext.Alphabet, text []byte, l smstext.Languages) smstext.Alphabet {
	if a != smstext.ASCII {
		return a
	}
	_, a, _ = smstext.Read([]smstext.Part{{Alphabet: a, Languages: l, Octets: text}})
	return a
}

// readSAR reads the sar parameters: values out of range are refused, an incomplete set is ignored (5.3.2.22 to 24).
func readSAR(m *sms.Message, tlvs smpp.TLVs) error {
	ref, hasRef := tlvs.Uint16(smpp.TagSarMsgRefNum)
	total, hasTotal := tlvs.Uint8(smpp.TagSarTotalSegments)
	seq, hasSeq := tlvs.Uint8(smpp.TagSarSegmentSeqnum)
	if !hasRef || !hasTotal || !hasSeq {
		return nil
	}
	if total == 0 || seq == 0 || seq > total {
		return smpp.RINVOPTPARAMVAL
	}
	if total > 1 {
		m.Part, m.PartForm = sms.Part{Ref: ref, Total: total, Seq: seq}, sms.FormSAR
	}
	return nil
}

// carriedTags are the parameters of submit_sm that deliver_sm has too (tables 4-10 and 4-18): they reach the recipient as they came.
var carriedTags = map[smpp.Tag]bool{
	smpp.TagUserMessageReference: true, smpp.TagSourcePort: true, smpp.TagDestinationPort: true,
	smpp.TagSarMsgRefNum: true, smpp.TagSarTotalSegments: true, smpp.TagSarSegmentSeqnum: true,
	smpp.TagPayloadType: true, smpp.TagPrivacyIndicator: true, smpp.TagCallbackNum: true,
	smpp.TagSourceSubaddress: true, smpp.TagDestSubaddress: true, smpp.TagLanguageIndicator: true,
	smpp.TagUserResponseCode: true, smpp.TagItsSessionInfo: true,
}

const maxPayloadType = 1 // 5.3.2.10; above it is reserved

// carried keeps the first of each, but every callback_num (4.4.1). A reserved payload_type is the default, which is none (3.3).
func carried(tlvs smpp.TLVs) []byte {
	var b []byte
	for i, t := range tlvs {
		again := t.Tag != smpp.TagCallbackNum && tlvs[:i].Has(t.Tag)
		if !carriedTags[t.Tag] || again || t.Tag == smpp.TagPayloadType && t.Value[0] > maxPayloadType {
			continue
		}
		b = smpp.AppendTLVs(b, tlvs[i:i+1])
	}
	return b
}
