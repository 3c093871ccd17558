package smpp

// headerOnly is the body of the PDUs that have none. Octets behind the header are
// ignored: some peers send an enquire_link_resp of 17.
type headerOnly struct{}

func (headerOnly) appendBody(dst []byte) []byte       { return dst }
func (headerOnly) decodeBody(CommandID, []byte) error { return nil }

// EnquireLink asks whether the peer is still there (4.11.1).
type EnquireLink struct{ headerOnly }

// EnquireLinkResp answers enquire_link (4.11.2).
type EnquireLinkResp struct{ headerOnly }

// Unbind ends the session (4.2.1).
type Unbind struct{ headerOnly }

// UnbindResp answers unbind (4.2.2).
type UnbindResp struct{ headerOnly }

// GenericNack answers what cannot be answered by a response of its own (4.3.1).
type GenericNack struct{ headerOnly }

func (*EnquireLink) Command() CommandID     { return CmdEnquireLink }
func (*EnquireLinkResp) Command() CommandID { return CmdEnquireLinkResp }
func (*Unbind) Command() CommandID          { return CmdUnbind }
func (*UnbindResp) Command() CommandID      { return CmdUnbindResp }
func (*GenericNack) Command() CommandID     { return CmdGenericNack }
