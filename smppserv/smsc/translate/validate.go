package translate

import (
	"strings"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

const (
	maxPriority        = 3
	maxShortMessage34  = 254
	reservedRegistered = 0xE0
	maxPayloadType     = 1
	maxAlphanumeric    = 11 // 3GPP 23.040, 9.1.2.5: eleven septets fit an address
)

// CheckSubmit judges the fields of a submit_sm that are numbers, in the order of table 4-10.
func (e ESME) CheckSubmit(r *smpp.SubmitSM) error {
	if err := checkESMClass(r.ESMClass); err != nil {
		return err
	}
	switch {
	case r.PriorityFlag > maxPriority:
		return smpp.RINVPRTFLG
	case r.ReplaceIfPresent > 1:
		return smpp.RINVREPFLAG
	case len(r.ShortMessage) > maxShortMessage34 && e.Version < smpp.V50:
		return smpp.RINVMSGLEN
	}
	return e.checkRegistered(r.RegisteredDelivery)
}

func checkESMClass(esm byte) error {
	switch esm & smpp.ESMTypeMask {
	case 0, smpp.ESMDeliveryAck, smpp.ESMManualAck:
		return nil
	}
	return smpp.RINVESMCLASS
}

// checkLength holds server.max_message_octets.
func (t *Texts) checkLength(text []byte) error {
	if t.MaxOctets > 0 && len(text) > t.MaxOctets {
		return smpp.RINVMSGLEN
	}
	return nil
}

func (e ESME) checkRegistered(reg byte) error {
	if reg&reservedRegistered != 0 || reg&smpp.RegReceiptMask == smpp.RegReceiptSuccess && e.Version < smpp.V50 {
		return smpp.RINVREGDLVFLG
	}
	return nil
}

// Source judges the source_addr of a client's request; where it is empty, the client's default counts (4.4.1).
// The error is RINVSRCTON, RINVSRCNPI or RINVSRCADR.
func (p *Profile) Source(a smpp.Address) (sms.Address, error) {
	if a.Addr == "" && p.DefaultSource != "" {
		return DefaultAddress(p.DefaultSource), nil
	}
	return sourceAddress(a)
}

func sourceAddress(a smpp.Address) (sms.Address, error) {
	switch {
	case !smpp.ValidTON(a.TON):
		return sms.Address{}, smpp.RINVSRCTON
	case !smpp.ValidNPI(a.NPI):
		return sms.Address{}, smpp.RINVSRCNPI
	}
	number := strings.TrimPrefix(a.Addr, "+")
	if a.TON == smpp.TONAlphanumeric && len(number) > maxAlphanumeric || !visible(number) {
		return sms.Address{}, smpp.RINVSRCADR
	}
	return sms.Address{TON: a.TON, NPI: a.NPI, Number: number}, nil
}

// Dest judges a destination_addr: a number. The error is RINVDSTTON, RINVDSTNPI or RINVDSTADR.
func Dest(a smpp.Address) (sms.Address, error) {
	switch {
	case !smpp.ValidTON(a.TON), a.TON == smpp.TONAlphanumeric:
		return sms.Address{}, smpp.RINVDSTTON
	case !smpp.ValidNPI(a.NPI):
		return sms.Address{}, smpp.RINVDSTNPI
	}
	number := strings.TrimPrefix(a.Addr, "+")
	if number == "" || strings.Trim(number, "0123456789") != "" {
		return sms.Address{}, smpp.RINVDSTADR
	}
	return sms.Address{TON: a.TON, NPI: a.NPI, Number: number}, nil
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7F {
			return false
		}
	}
	return true
}

const longNumber = 8 // digits; longer ones are international

// DefaultAddress is how a number is written that the client never used.
func DefaultAddress(number string) sms.Address {
	switch {
	case strings.Trim(number, "0123456789") != "":
		return sms.Address{TON: smpp.TONAlphanumeric, Number: number}
	case len(number) > longNumber:
		return sms.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Number: number}
	}
	return sms.Address{NPI: smpp.NPIISDN, Number: number}
}

// readContent finds out how a text is written and which part of a longer one it is, and judges its header and length.
func (e ESME) readContent(m *sms.Message, text []byte, tlvs smpp.TLVs) error {
	alphabet := smstext.ForDataCoding(m.DataCoding, e.DefaultAlphabet)
	m.Alphabet = alphabet.String()
	payload := text
	if m.ESMClass&smpp.ESMUDHI != 0 {
		if tlvs.Has(smpp.TagSarMsgRefNum) || tlvs.Has(smpp.TagSarTotalSegments) || tlvs.Has(smpp.TagSarSegmentSeqnum) ||
			tlvs.Has(smpp.TagSourcePort) || tlvs.Has(smpp.TagDestinationPort) {
			return smpp.ROPTPARNOTALLWD
		}
		udh, rest, err := smstext.ParseUDH(text)
		if err != nil {
			return smpp.RINVESMCLASS
		}
		payload = rest
		if part, ok := udh.Concat(); ok {
			m.Part = sms.Part{Ref: part.Ref, Total: part.Total, Seq: part.Seq}
		}
	} else if err := readSAR(m, tlvs); err != nil {
		return err
	}
	// A part may end within a surrogate pair, but a whole text has no half characters (TXT-03).
	if m.DataCoding == dataCodingUCS2 && len(payload)%2 != 0 && m.Part == (sms.Part{}) {
		return smpp.RINVMSGLEN
	}
	return nil
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
		m.Part = sms.Part{Ref: ref, Total: total, Seq: seq}
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
