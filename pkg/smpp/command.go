package smpp

import "fmt"

// CommandID is the command_id of a PDU (5.1.2).
type CommandID uint32

// The PDUs of SMPP 3.4. The broadcast family of 5.0 is not among them.
const (
	CmdGenericNack         CommandID = 0x80000000 // 4.3.1
	CmdBindReceiver        CommandID = 0x00000001 // 4.1.3
	CmdBindReceiverResp    CommandID = 0x80000001 // 4.1.4
	CmdBindTransmitter     CommandID = 0x00000002 // 4.1.1
	CmdBindTransmitterResp CommandID = 0x80000002 // 4.1.2
	CmdQuerySM             CommandID = 0x00000003 // 4.8.1
	CmdQuerySMResp         CommandID = 0x80000003 // 4.8.2
	CmdSubmitSM            CommandID = 0x00000004 // 4.4.1
	CmdSubmitSMResp        CommandID = 0x80000004 // 4.4.2
	CmdDeliverSM           CommandID = 0x00000005 // 4.6.1
	CmdDeliverSMResp       CommandID = 0x80000005 // 4.6.2
	CmdUnbind              CommandID = 0x00000006 // 4.2.1
	CmdUnbindResp          CommandID = 0x80000006 // 4.2.2
	CmdReplaceSM           CommandID = 0x00000007 // 4.10.1
	CmdReplaceSMResp       CommandID = 0x80000007 // 4.10.2
	CmdCancelSM            CommandID = 0x00000008 // 4.9.1
	CmdCancelSMResp        CommandID = 0x80000008 // 4.9.2
	CmdBindTransceiver     CommandID = 0x00000009 // 4.1.5
	CmdBindTransceiverResp CommandID = 0x80000009 // 4.1.6
	CmdOutbind             CommandID = 0x0000000B // 4.1.7
	CmdEnquireLink         CommandID = 0x00000015 // 4.11.1
	CmdEnquireLinkResp     CommandID = 0x80000015 // 4.11.2
	CmdSubmitMulti         CommandID = 0x00000021 // 4.5.1
	CmdSubmitMultiResp     CommandID = 0x80000021 // 4.5.2
	CmdAlertNotification   CommandID = 0x00000102 // 4.12.1
	CmdDataSM              CommandID = 0x00000103 // 4.7.1
	CmdDataSMResp          CommandID = 0x80000103 // 4.7.2
)

const responseBit CommandID = 0x80000000

type commandInfo struct {
	name string
	new  func() PDU
}

// commands is only read.
var commands = map[CommandID]commandInfo{
	CmdGenericNack:         {"generic_nack", func() PDU { return new(GenericNack) }},
	CmdBindReceiver:        {"bind_receiver", func() PDU { return new(Bind) }},
	CmdBindReceiverResp:    {"bind_receiver_resp", func() PDU { return new(BindResp) }},
	CmdBindTransmitter:     {"bind_transmitter", func() PDU { return new(Bind) }},
	CmdBindTransmitterResp: {"bind_transmitter_resp", func() PDU { return new(BindResp) }},
	CmdQuerySM:             {"query_sm", func() PDU { return new(QuerySM) }},
	CmdQuerySMResp:         {"query_sm_resp", func() PDU { return new(QuerySMResp) }},
	CmdSubmitSM:            {"submit_sm", func() PDU { return new(SubmitSM) }},
	CmdSubmitSMResp:        {"submit_sm_resp", func() PDU { return new(SubmitSMResp) }},
	CmdDeliverSM:           {"deliver_sm", func() PDU { return new(DeliverSM) }},
	CmdDeliverSMResp:       {"deliver_sm_resp", func() PDU { return new(DeliverSMResp) }},
	CmdUnbind:              {"unbind", func() PDU { return new(Unbind) }},
	CmdUnbindResp:          {"unbind_resp", func() PDU { return new(UnbindResp) }},
	CmdReplaceSM:           {"replace_sm", func() PDU { return new(ReplaceSM) }},
	CmdReplaceSMResp:       {"replace_sm_resp", func() PDU { return new(ReplaceSMResp) }},
	CmdCancelSM:            {"cancel_sm", func() PDU { return new(CancelSM) }},
	CmdCancelSMResp:        {"cancel_sm_resp", func() PDU { return new(CancelSMResp) }},
	CmdBindTransceiver:     {"bind_transceiver", func() PDU { return new(Bind) }},
	CmdBindTransceiverResp: {"bind_transceiver_resp", func() PDU { return new(BindResp) }},
	CmdOutbind:             {"outbind", func() PDU { return new(Outbind) }},
	CmdEnquireLink:         {"enquire_link", func() PDU { return new(EnquireLink) }},
	CmdEnquireLinkResp:     {"enquire_link_resp", func() PDU { return new(EnquireLinkResp) }},
	CmdSubmitMulti:         {"submit_multi", func() PDU { return new(SubmitMulti) }},
	CmdSubmitMultiResp:     {"submit_multi_resp", func() PDU { return new(SubmitMultiResp) }},
	CmdAlertNotification:   {"alert_notification", func() PDU { return new(AlertNotification) }},
	CmdDataSM:              {"data_sm", func() PDU { return new(DataSM) }},
	CmdDataSMResp:          {"data_sm_resp", func() PDU { return new(DataSMResp) }},
}

// String returns the name in the specification, "submit_sm", or the number.
func (c CommandID) String() string {
	if i, ok := commands[c]; ok {
		return i.name
	}
	return fmt.Sprintf("command_id 0x%08x", uint32(c))
}

// Known says whether the command is one of the constants.
func (c CommandID) Known() bool { return commands[c].new != nil }

// IsResponse says whether bit 31 is set: a response, or generic_nack.
func (c CommandID) IsResponse() bool { return c&responseBit != 0 }

// Response returns the command that answers c. It is generic_nack for whatever has no
// response of its own: outbind, alert_notification and commands that are not known.
func (c CommandID) Response() CommandID {
	if r := c | responseBit; r.Known() {
		return r
	}
	return CmdGenericNack
}
