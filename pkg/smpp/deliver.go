package smpp

// DeliverSM gives a message or a delivery receipt to an ESME (4.6.1). Its layout is that
// of submit_sm, so that one converts into the other; ScheduleDeliveryTime,
// ValidityPeriod, ReplaceIfPresent and DefaultMsgID are not used and stay zero.
type DeliverSM SubmitSM

func (p *DeliverSM) Command() CommandID { return CmdDeliverSM }

func (p *DeliverSM) appendBody(dst []byte) []byte { return (*SubmitSM)(p).appendBody(dst) }

func (p *DeliverSM) decodeBody(command CommandID, body []byte) error {
	return (*SubmitSM)(p).decodeBody(command, body)
}

// DeliverSMResp answers deliver_sm (4.6.2). Its MessageID is not used and stays empty.
type DeliverSMResp SubmitSMResp

func (p *DeliverSMResp) Command() CommandID { return CmdDeliverSMResp }

func (p *DeliverSMResp) appendBody(dst []byte) []byte { return (*SubmitSMResp)(p).appendBody(dst) }

func (p *DeliverSMResp) decodeBody(command CommandID, body []byte) error {
	return (*SubmitSMResp)(p).decodeBody(command, body)
}
