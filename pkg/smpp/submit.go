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
	dst = appendCString(dst, p.ServiceType)
	dst = appendAddress(dst, p.Source)
	dst = appendAddress(dst, p.Dest)
	dst = append(dst, p.ESMClass, p.ProtocolID, p.PriorityFlag)
	dst = appendCString(dst, p.ScheduleDeliveryTime)
	dst = appendCString(dst, p.ValidityPeriod)
	dst = append(dst, p.RegisteredDelivery, p.ReplaceIfPresent, p.DataCoding, p.DefaultMsgID)
	dst = appendShortMessage(dst, p.ShortMessage)
	return AppendTLVs(dst, p.TLVs)
}

func (p *SubmitSM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = SubmitSM{
		ServiceType:          d.cstring("service_type", maxServiceType, RINVSERTYP),
		Source:               d.address("source_addr", maxAddr, RINVSRCADR),
		Dest:                 d.address("destination_addr", maxAddr, RINVDSTADR),
		ESMClass:             d.octet("esm_class"),
		ProtocolID:           d.octet("protocol_id"),
		PriorityFlag:         d.octet("priority_flag"),
		ScheduleDeliveryTime: d.cstring("schedule_delivery_time", maxTime, RINVSCHED),
		ValidityPeriod:       d.cstring("validity_period", maxTime, RINVEXPIRY),
		RegisteredDelivery:   d.octet("registered_delivery"),
		ReplaceIfPresent:     d.octet("replace_if_present_flag"),
		DataCoding:           d.octet("data_coding"),
		DefaultMsgID:         d.octet("sm_default_msg_id"),
		ShortMessage:         d.shortMessage(),
		TLVs:                 d.tlvsAfterText(p.TLVs[:0]),
	}
	return d.err()
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
