package smpp

// The longest fields of bind and outbind, in octets with their NUL (4.1.1).
const (
	maxSystemID     = 16
	maxPassword     = 9
	maxSystemType   = 13
	maxAddressRange = 41
	maxLongPassword = 65 // providers give out longer ones than 4.1.1 has room for
)

// Bind is bind_receiver, bind_transmitter or bind_transceiver: they differ in Type alone.
type Bind struct {
	Type             CommandID
	SystemID         string // at most 15 characters
	Password         string // at most 8; up to 64 are read
	SystemType       string // at most 12
	InterfaceVersion byte   // V33, V34, V50
	AddrTON          byte
	AddrNPI          byte
	AddressRange     string // at most 40 characters
}

func isBind(c CommandID) bool {
	return c == CmdBindReceiver || c == CmdBindTransmitter || c == CmdBindTransceiver
}

func isBindResp(c CommandID) bool { return c.IsResponse() && isBind(c&^responseBit) }

func (p *Bind) Command() CommandID { return p.Type }

func (p *Bind) appendBody(dst []byte) []byte {
	dst = appendCString(dst, p.SystemID)
	dst = appendCString(dst, p.Password)
	dst = appendCString(dst, p.SystemType)
	dst = append(dst, p.InterfaceVersion, p.AddrTON, p.AddrNPI)
	return appendCString(dst, p.AddressRange)
}

func (p *Bind) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = Bind{
		Type:             command,
		SystemID:         d.cstring("system_id", maxSystemID, RINVSYSID),
		Password:         d.cstring("password", maxLongPassword, RINVPASWD),
		SystemType:       d.cstring("system_type", maxSystemType, RINVSYSTYP),
		InterfaceVersion: d.octet("interface_version"),
		AddrTON:          d.octet("addr_ton"),
		AddrNPI:          d.octet("addr_npi"),
		AddressRange:     d.cstring("address_range", maxAddressRange, RBINDFAIL),
	}
	return d.err()
}

// BindResp answers a bind. Its Type is the response's command_id.
type BindResp struct {
	Type     CommandID
	SystemID string // the message centre's
	TLVs     TLVs   // sc_interface_version, not to 3.3 clients
}

func (p *BindResp) Command() CommandID { return p.Type }

func (p *BindResp) appendBody(dst []byte) []byte {
	return AppendTLVs(appendCString(dst, p.SystemID), p.TLVs)
}

func (p *BindResp) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = BindResp{
		Type:     command,
		SystemID: d.lenientString(),
		TLVs:     d.lenientTLVs(p.TLVs[:0]),
	}
	return nil
}

// Outbind asks an ESME, to which the message centre has connected, to bind (4.1.7). It
// has no response.
type Outbind struct {
	SystemID string // at most 15 characters
	Password string // at most 8
}

func (p *Outbind) Command() CommandID { return CmdOutbind }

func (p *Outbind) appendBody(dst []byte) []byte {
	return appendCString(appendCString(dst, p.SystemID), p.Password)
}

func (p *Outbind) decodeBody(command CommandID, body []byte) error {
	d := decoder{command: command, rest: body}
	*p = Outbind{
		SystemID: d.cstring("system_id", maxSystemID, RINVSYSID),
		Password: d.cstring("password", maxPassword, RINVPASWD),
	}
	return d.err()
}
