package smsc

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// peer is one connection: the handler of its session and, when it may receive, a way out of the queue.
type peer struct {
	sv *Server
	s  *session.Session

	refusals refusals

	// Set by the bind, and read only after it.
	kind    kind
	account *account

	// Guarded by the registry.
	bound, gone bool
	outlet      sms.Outlet
}

var (
	errGhost     = errors.New("silent while the client bound anew")
	errNoAccount = errors.New("the client is no longer in config.toml")
)

// Bind implements session.Handler.
func (p *peer) Bind(s *session.Session, b *smpp.Bind) (*smpp.BindResp, error) {
	c, err := p.authenticate(b)
	if err == nil {
		err = p.sv.registry.grant(p, c, kindOf(b.Type))
	}
	if err != nil {
		p.refused(b, err)
		return nil, err
	}
	p.sv.o.Log.Info().Str("system_id", b.SystemID).Stringer("bind", b.Type).Stringer("remote", s.RemoteAddr()).
		Uint64("session", s.ID()).Str("interface_version", fmt.Sprintf("0x%02x", b.InterfaceVersion)).Msg("bound")
	return p.bindResp(b, c), nil
}

// authenticate finds the client that a bind is for, or the status that refuses it.
func (p *peer) authenticate(b *smpp.Bind) (*Client, error) {
	c := p.sv.directory.Load().byID[b.SystemID]
	switch {
	case c == nil:
		return nil, smpp.RINVSYSID
	case !c.allows(p):
		return nil, smpp.RBINDFAIL
	case !c.CheckPassword(b.Password):
		return nil, smpp.RINVPASWD
	}
	return c, nil
}

func (c *Client) allows(p *peer) bool {
	if len(c.Allow) == 0 {
		return true
	}
	a := addrOf(p.s.RemoteAddr())
	for _, prefix := range c.Allow {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// refused logs a refusal and holds its answer back, longer with each failure of the address.
func (p *peer) refused(b *smpp.Bind, err error) {
	p.sv.o.Log.Warn().Str("system_id", printable(b.SystemID)).Stringer("bind", b.Type).Stringer("remote", p.s.RemoteAddr()).
		Str("status", err.Error()).Str("reason", p.reason(b, err)).Msg("a bind was refused")
	if errors.Is(err, smpp.RALYBND) {
		return // its credentials were right
	}
	if d := p.sv.doors.failedBind(p.s.RemoteAddr()); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.s.Done():
		}
	}
}

// reason tells the operator what to do.
func (p *peer) reason(b *smpp.Bind, err error) string {
	switch {
	case errors.Is(err, smpp.RINVSYSID):
		return "no [[clients]] entry has this system_id"
	case errors.Is(err, smpp.RINVPASWD):
		return "the password is wrong"
	case errors.Is(err, smpp.RBINDFAIL):
		return fmt.Sprintf("the address is not in the client's allow list; to let it in add %q", addrOf(p.s.RemoteAddr()).String())
	case errors.Is(err, smpp.RALYBND):
		return "the client has as many sessions as its bind_policy allows, and they are alive"
	}
	return "the message centre is stopping"
}

// printable keeps what a stranger sent from spoiling the log.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

const maxSMSCIdentifier = 15

// bindResp tells who we are; and, but to 3.3 clients, the lower of the two sides' versions.
func (p *peer) bindResp(b *smpp.Bind, c *Client) *smpp.BindResp {
	id := p.sv.o.SMSCIdentifier
	r := &smpp.BindResp{Type: b.Type.Response(), SystemID: id[:min(len(id), maxSMSCIdentifier)]}
	if b.InterfaceVersion < smpp.V34 {
		return r
	}
	highest := byte(smpp.V50)
	if c.InterfaceVersion != 0 {
		highest = c.InterfaceVersion
	}
	r.TLVs = smpp.TLVs{smpp.TLVUint8(smpp.TagScInterfaceVersion, min(b.InterfaceVersion, highest))}
	return r
}

// Bound implements session.Handler.
func (p *peer) Bound(*session.Session) { p.sv.registry.bound(p) }

// Unbound implements session.Handler.
func (p *peer) Unbound(s *session.Session, reason error) {
	p.sv.registry.unbound(p)
	p.sv.o.Log.Info().Str("system_id", s.SystemID()).Stringer("remote", s.RemoteAddr()).Uint64("session", s.ID()).
		AnErr("reason", reason).Msg("unbound")
}

// Request implements session.Handler.
func (p *peer) Request(s *session.Session, h smpp.Header, pdu smpp.PDU) {
	switch r := pdu.(type) {
	case *smpp.SubmitSM:
		p.submit(h, r)
	case *smpp.DataSM:
		p.submit(h, submitOf(r))
	case *smpp.SubmitMulti:
		p.submitMulti(h, r)
	default:
		var t session.Ticket
		t.Open(s, h)
		resp, err := p.manage(pdu)
		if err != nil {
			t.Refuse(err)
			return
		}
		t.Reply(resp)
	}
}
