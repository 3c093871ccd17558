package smpp

// DataSM carries a message in either direction, its text in message_payload (4.7.1).
type DataSM struct {
	ServiceType        string  // at most 5 characters
	Source             Address // at most 64 characters
	Dest               Address // at most 64 characters
	ESMClass           byte
	RegisteredDelivery byte
	DataCoding         byte
	TLVs               TLVs
}

func (p *DataSM) Command() CommandID { return CmdDataSM }

func (p *DataSM) appendBody(dst []byte) []byte {
	dst = appendCString(dst, p.ServiceType)
	dst = appendAddress(dst, p.Source)
	dst = appendAddress(dst, p.Dest)
	dst = append(dst, p.ESMClass, p.RegisteredDelivery, p.DataCoding)
	return AppendTLVs(dst, p.TLVs)
}

func (p *DataSM) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = DataSM{
		ServiceType:        d.cstring("service_type", maxServiceType, RINVSERTYP),
		Source:             d.address("source_addr", maxLongAddr, RINVSRCADR),
		Dest:               d.address("destination_addr", maxLongAddr, RINVDSTADR),
		ESMClass:           d.octet("esm_class"),
		RegisteredDelivery: d.octet("registered_delivery"),
		DataCoding:         d.octet("data_coding"),
		TLVs:               d.tlvs(p.TLVs[:0]),
	}
	return d.err()
}

// DataSMResp answers data_sm (4.7.2). Its TLVs say what went wrong in transaction mode.
type DataSMResp SubmitSMResp

func (p *DataSMResp) Command() CommandID { return CmdDataSMResp }

func (p *DataSMResp) appendBody(dst []byte) []byte { return (*SubmitSMResp)(p).appendBody(dst) }

func (p *DataSMResp) decodeBody(command CommandID, body []byte) error {
	return (*SubmitSMResp)(p).decodeBody(command, body)
}
