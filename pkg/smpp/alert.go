package smpp

// AlertNotification tells an ESME that an SME can be reached again (4.12.1). It has no
// response.
type AlertNotification struct {
	Source Address // the SME, at most 64 characters
	ESME   Address // the ESME that asked to be told, at most 64 characters
	TLVs   TLVs
}

func (p *AlertNotification) Command() CommandID { return CmdAlertNotification }

func (p *AlertNotification) appendBody(dst []byte) []byte {
	return AppendTLVs(appendAddress(appendAddress(dst, p.Source), p.ESME), p.TLVs)
}

func (p *AlertNotification) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = AlertNotification{
		Source: d.address("source_addr", maxLongAddr, RINVSRCADR),
		ESME:   d.address("esme_addr", maxLongAddr, RINVDSTADR),
		TLVs:   d.tlvs(p.TLVs[:0]),
	}
	return d.err()
}
