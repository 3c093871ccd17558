package smpp

// QuerySM asks for the state of a message (4.8.1).
type QuerySM struct {
	MessageID string // at most 64 characters
	Source    Address
}

func (p *QuerySM) Command() CommandID { return CmdQuerySM }

func (p *QuerySM) appendBody(dst []byte) []byte {
	return appendAddress(appendCString(dst, p.MessageID), p.Source)
}

func (p *QuerySM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = QuerySM{
		MessageID: d.cstring("message_id", maxMessageID, RINVMSGID),
		Source:    d.address("source_addr", maxAddr, RINVSRCADR),
	}
	return d.err()
}

// QuerySMResp answers query_sm (4.8.2).
type QuerySMResp struct {
	MessageID string
	FinalDate string // "" or 16 characters, see FormatTime
	State     MessageState
	ErrorCode byte // the network's
}

func (p *QuerySMResp) Command() CommandID { return CmdQuerySMResp }

func (p *QuerySMResp) appendBody(dst []byte) []byte {
	dst = appendCString(dst, p.MessageID)
	dst = appendCString(dst, p.FinalDate)
	return append(dst, byte(p.State), p.ErrorCode)
}

func (p *QuerySMResp) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = QuerySMResp{
		MessageID: d.lenientString(),
		FinalDate: d.lenientString(),
		State:     MessageState(d.lenientOctet()),
		ErrorCode: d.lenientOctet(),
	}
	return nil
}

// CancelSM takes back a message, or with an empty MessageID all that are pending between
// two addresses (4.9.1).
type CancelSM struct {
	ServiceType string // at most 5 characters
	MessageID   string // at most 64
	Source      Address
	Dest        Address
}

func (p *CancelSM) Command() CommandID { return CmdCancelSM }

func (p *CancelSM) appendBody(dst []byte) []byte {
	dst = appendCString(dst, p.ServiceType)
	dst = appendCString(dst, p.MessageID)
	return appendAddress(appendAddress(dst, p.Source), p.Dest)
}

func (p *CancelSM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = CancelSM{
		ServiceType: d.cstring("service_type", maxServiceType, RINVSERTYP),
		MessageID:   d.cstring("message_id", maxMessageID, RINVMSGID),
		Source:      d.address("source_addr", maxAddr, RINVSRCADR),
		Dest:        d.address("destination_addr", maxAddr, RINVDSTADR),
	}
	return d.err()
}

// CancelSMResp answers cancel_sm (4.9.2).
type CancelSMResp struct{ headerOnly }

func (p *CancelSMResp) Command() CommandID { return CmdCancelSMResp }

// ReplaceSM gives a pending message another text (4.10.1).
type ReplaceSM struct {
	MessageID            string // at most 64 characters
	Source               Address
	ScheduleDeliveryTime string // "" leaves it as it is
	ValidityPeriod       string // the same
	RegisteredDelivery   byte
	DefaultMsgID         byte
	ShortMessage         []byte // at most 254 octets, in 5.0 255
	TLVs                 TLVs   // 5.0 only: message_payload
}

func (p *ReplaceSM) Command() CommandID { return CmdReplaceSM }

func (p *ReplaceSM) appendBody(dst []byte) []byte {
	dst = appendCString(dst, p.MessageID)
	dst = appendAddress(dst, p.Source)
	dst = appendCString(dst, p.ScheduleDeliveryTime)
	dst = appendCString(dst, p.ValidityPeriod)
	dst = append(dst, p.RegisteredDelivery, p.DefaultMsgID)
	dst = appendShortMessage(dst, p.ShortMessage)
	return AppendTLVs(dst, p.TLVs)
}

func (p *ReplaceSM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = ReplaceSM{
		MessageID:            d.cstring("message_id", maxMessageID, RINVMSGID),
		Source:               d.address("source_addr", maxAddr, RINVSRCADR),
		ScheduleDeliveryTime: d.cstring("schedule_delivery_time", maxTime, RINVSCHED),
		ValidityPeriod:       d.cstring("validity_period", maxTime, RINVEXPIRY),
		RegisteredDelivery:   d.octet("registered_delivery"),
		DefaultMsgID:         d.octet("sm_default_msg_id"),
		ShortMessage:         d.shortMessage(),
		TLVs:                 d.tlvsAfterText(p.TLVs[:0]),
	}
	return d.err()
}

// ReplaceSMResp answers replace_sm (4.10.2).
type ReplaceSMResp struct{ headerOnly }

func (p *ReplaceSMResp) Command() CommandID { return CmdReplaceSMResp }
