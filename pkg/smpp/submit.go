package smpp

// The longest fields of a message, in octets with their NUL (4.4.1).
const (
	maxServiceType = 6
	maxTime        = 17
	maxMessageID   = 65
	maxListName    = 21
)

// SubmitSM gives a message to the message centre (4.4.1).
type SubmitSM struct {
	ServiceType          string // at most 5 characters
	Source               Address
	Dest                 Address
	ESMClass             byte
	ProtocolID           byte
	PriorityFlag         byte
	ScheduleDeliveryTime string // "" or 16 characters, see ParseTime
	ValidityPeriod       string // the same
	RegisteredDelivery   byte
	ReplaceIfPresent     byte
	DataCoding           byte
	DefaultMsgID         byte
	ShortMessage         []byte // at most 254 octets, in 5.0 255
	TLVs                 TLVs
}

func (p *SubmitSM) Command() CommandID { return CmdSubmitSM }

func (p *SubmitSM) appendBody(dst []byte) []byte {
	dst = p.appendSource(dst)
	dst = appendAddress(dst, p.Dest)
	return p.appendMessage(dst)
}

func (p *SubmitSM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	d.source(p)
	p.Dest = d.addressLike(p.Dest.Addr, "destination_addr", maxAddr, RINVDSTADR)
	d.message(p)
	return d.err()
}

// appendSource writes what submit_sm and submit_multi have before their destinations.
func (p *SubmitSM) appendSource(dst []byte) []byte {
	return appendAddress(appendCString(dst, p.ServiceType), p.Source)
}

// appendMessage writes what they have behind them.
func (p *SubmitSM) appendMessage(dst []byte) []byte {
	dst = append(dst, p.ESMClass, p.ProtocolID, p.PriorityFlag)
	dst = appendCString(dst, p.ScheduleDeliveryTime)
	dst = appendCString(dst, p.ValidityPeriod)
	dst = append(dst, p.RegisteredDelivery, p.ReplaceIfPresent, p.DataCoding, p.DefaultMsgID)
	dst = appendShortMessage(dst, p.ShortMessage)
	return AppendTLVs(dst, p.TLVs)
}

// source reads what appendSource writes.
func (d *decoder) source(p *SubmitSM) {
	p.ServiceType = d.cstringLike(p.ServiceType, "service_type", maxServiceType, RINVSERTYP)
	p.Source = d.addressLike(p.Source.Addr, "source_addr", maxAddr, RINVSRCADR)
}

// message reads what appendMessage writes.
func (d *decoder) message(p *SubmitSM) {
	p.ESMClass = d.octet("esm_class")
	p.ProtocolID = d.octet("protocol_id")
	p.PriorityFlag = d.octet("priority_flag")
	p.ScheduleDeliveryTime = d.cstringLike(p.ScheduleDeliveryTime, "schedule_delivery_time", maxTime, RINVSCHED)
	p.ValidityPeriod = d.cstringLike(p.ValidityPeriod, "validity_period", maxTime, RINVEXPIRY)
	p.RegisteredDelivery = d.octet("registered_delivery")
	p.ReplaceIfPresent = d.octet("replace_if_present_flag")
	p.DataCoding = d.octet("data_coding")
	p.DefaultMsgID = d.octet("sm_default_msg_id")
	p.ShortMessage = d.shortMessage()
	p.TLVs = d.tlvsAfterText(p.TLVs[:0])
}

// SubmitSMResp answers submit_sm (4.4.2).
type SubmitSMResp struct {
	MessageID string // at most 64 characters, for 3.3 clients 8
	TLVs      TLVs   // 5.0 only, but for transaction mode
}

func (p *SubmitSMResp) Command() CommandID { return CmdSubmitSMResp }

func (p *SubmitSMResp) appendBody(dst []byte) []byte {
	return AppendTLVs(appendCString(dst, p.MessageID), p.TLVs)
}

func (p *SubmitSMResp) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = SubmitSMResp{MessageID: d.lenientString(), TLVs: d.lenientTLVs(p.TLVs[:0])}
	return nil
}
