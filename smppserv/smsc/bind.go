package smsc

import (
	"errors"
	"fmt"
	"slices"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc/translate"
)

// peer is one connection: the handler of its session and, when it may receive, a way out of the queue.
type peer struct {
	sv *Server
	s  *session.Session

	// Set by the bind, and read only after it.
	kind    session.State // that the bind leads to: which of the client's places it takes
	account *account
	// operator: the session is that of a command of this machine. bindType is what it asked for.
	operator bool
	bindType smpp.CommandID

	// Guarded by the registry.
	bound, gone bool
	outlet      road.Outlet
}

var (
	errGhost     = errors.New("silent while the client bound anew")
	errNoAccount = errors.New("the client was disabled, or taken out of config.toml")
)

// Bind implements session.Handler.
func (p *peer) Bind(s *session.Session, b *smpp.Bind) (highest byte, err error) {
	c, err := p.authenticate(b)
	switch {
	case err != nil:
	case p.operator:
		err = p.sv.registry.beside(p, c)
	default:
		err = p.sv.registry.grant(p, c, session.BoundBy(b.Type))
	}
	if err != nil {
		p.refused(b, err)
		return 0, err
	}
	p.sv.o.Log.Info().Str("system_id", b.SystemID).Stringer("bind", b.Type).Stringer("remote", s.RemoteAddr()).
		Uint64("session", s.ID()).Str("interface_version", fmt.Sprintf("0x%02x", b.InterfaceVersion)).Bool("operator", p.operator).Msg("bound")
	return c.InterfaceVersion, nil
}

// authenticate finds the client that a bind is for. The error holds the status that refuses it, and tells the operator why.
func (p *peer) authenticate(b *smpp.Bind) (*Client, error) {
	c := p.sv.directory.Load().byID[b.SystemID]
	switch {
	case c == nil:
		return nil, fmt.Errorf("no [[clients]] entry has this system_id: %w", smpp.RINVSYSID)
	case p.isOperator(b):
		p.operator, p.bindType = true, b.Type
	case !session.Allowed(c.Allow, p.s.RemoteAddr()):
		return nil, fmt.Errorf("the address is not in the client's allow list; to let it in add %q: %w", session.AddrOf(p.s.RemoteAddr()), smpp.RBINDFAIL)
	case !c.CheckPassword(b.Password):
		return nil, fmt.Errorf("the password is wrong: %w", smpp.RINVPASWD)
	case c.Disabled:
		return nil, fmt.Errorf("the client is disabled: %w", smpp.RBINDFAIL)
	case len(c.BindTypes) > 0 && !slices.Contains(c.BindTypes, b.Type):
		return nil, fmt.Errorf("the client's bind_types do not allow it: %w", smpp.RBINDFAIL)
	case c.SystemType != "" && b.SystemType != c.SystemType:
		return nil, fmt.Errorf("the client must bind with its system_type: %w", smpp.RINVSYSTYP)
	}
	return c, nil
}

// refused logs a refusal and delays its answer, longer with each failure of the address.
func (p *peer) refused(b *smpp.Bind, err error) {
	p.sv.o.Log.Warn().Str("system_id", b.SystemID).Stringer("bind", b.Type).Stringer("remote", p.s.RemoteAddr()).
		Str("reason", err.Error()).Msg("a bind was refused")
	if errors.Is(err, smpp.RALYBND) {
		return // its credentials were right
	}
	p.sv.doors.Delay(p.s.RemoteAddr(), p.s.Done())
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
	c, rate := p.sv.registry.settings(p)
	if len(c.Operations) > 0 && !c.grants(h.Command.String()) || p.operator && h.Command != smpp.CmdSubmitSM {
		p.refuse(h, prohibited(h.Command, s.Version()))
		return
	}
	switch r := pdu.(type) {
	case *smpp.SubmitSM:
		p.submit(h, r, c, rate)
	case *smpp.DataSM:
		p.submit(h, translate.SubmitOfData(r), c, rate)
	case *smpp.SubmitMulti:
		p.submitMulti(h, r, c, rate)
	default:
		resp, err := p.manage(c, pdu)
		if err != nil {
			p.refuse(h, err)
			return
		}
		var t session.Ticket
		t.Open(s, h)
		t.Reply(resp)
	}
}

func (p *peer) refuse(h smpp.Header, err error) {
	var t session.Ticket
	t.Open(p.s, h)
	t.Refuse(err)
}
