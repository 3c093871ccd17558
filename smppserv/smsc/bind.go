package smsc

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/passwords"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc/translate"
)

// peer is one connection: the handler of its session and, when it may receive, a way out of the queue.
type peer struct {
	sv *Server
	s  *session.Session

	remote string // host:port

	// Set by the bind, and read only after it.
	kind     session.State // that the bind leads to: which of the client's places it takes
	account  *account
	operator bool           // the session is that of a command of this machine
	bindType smpp.CommandID // what it asked for

	// Guarded by the registry.
	bound, gone bool
	judged      chan struct{} // closed, and nil from then on, when it is known what becomes of its bind; nil = it has no place yet, too
	left        chan struct{} // closed when its place is free; nil = nobody waits for that
	outlet      road.Outlet
	release     func() // gives the place at all workers back; nil = it has none

	sender sender
}

var (
	errGhost     = errors.New("silent while the client bound anew")
	errNoAccount = errors.New("the client was disabled, or taken out of config.toml")
	errGaveUp    = fmt.Errorf("the client closed the connection before its bind was judged: %w", smpp.RBINDFAIL)
	errReloaded  = errors.New("the clients are others than when the bind was judged")
)

// Bind implements session.Handler.
func (p *peer) Bind(s *session.Session, b *smpp.Bind) (highest byte, err error) {
	var c *Client
	for err = errReloaded; errors.Is(err, errReloaded); {
		c, err = p.authenticate(b)
		switch {
		case err != nil:
		case p.operator:
			err = p.sv.registry.beside(p, c)
		default:
			err = p.sv.registry.grant(p, c, session.BoundBy(b.Type))
		}
	}
	if err != nil {
		p.refused(b, err)
		return 0, err
	}
	p.sv.limited.Line(zerolog.InfoLevel, bindGranted, p.known(b.SystemID)).Str("system_id", b.SystemID).Stringer("bind", b.Type).Stringer("remote", s.RemoteAddr()).
		Uint64("session", s.ID()).Str("interface_version", fmt.Sprintf("0x%02x", b.InterfaceVersion)).Bool("operator", p.operator).Msg(bindGranted.Text)
	return c.InterfaceVersion, nil
}

// authenticate finds the client that a bind is for. The error holds the status that refuses it, and tells the operator why.
func (p *peer) authenticate(b *smpp.Bind) (*Client, error) {
	c := p.sv.directory.Load().byID[b.SystemID]
	p.bindType = b.Type
	switch {
	case c == nil:
		return nil, fmt.Errorf("no [[clients]] entry has this system_id: %w", smpp.RINVSYSID)
	case p.isOperator(b):
		p.operator = true
		return c, nil
	case !session.Allowed(c.Allow, p.s.RemoteAddr()):
		addr := session.AddrOf(p.s.RemoteAddr())
		return nil, fmt.Errorf("the address is not in the client's allow list; to let it in add \"%s\": %w", netip.PrefixFrom(addr, addr.BitLen()), smpp.RBINDFAIL)
	}
	if err := p.checkPassword(c, b.Password); err != nil {
		return nil, err
	}
	switch {
	case c.Disabled:
		return nil, fmt.Errorf("the client is disabled: %w", smpp.RBINDFAIL)
	case len(c.BindTypes) > 0 && !slices.Contains(c.BindTypes, b.Type):
		return nil, fmt.Errorf("the client's bind_types do not allow it: %w", smpp.RBINDFAIL)
	case c.SystemType != "" && b.SystemType != c.SystemType:
		return nil, fmt.Errorf("the client must bind with its system_type: %w", smpp.RINVSYSTYP)
	}
	return c, nil
}

// maxCheckWait is how long a bind may wait for its password to be checked.
const maxCheckWait = 30 * time.Second

// checkPassword judges a password. One that is stored as a hash, and is not the client's last good one, waits: as long as its
// address has to for its failed binds, and then for a place, in turn with other addresses.
func (p *peer) checkPassword(c *Client, given string) error {
	good := false
	switch {
	case c.Hash == "":
		good = c.CheckPassword(given)
	case p.sv.good.Knows(c.SystemID, c.Hash, given):
		return nil
	default:
		var err error
		if good, err = p.compare(c, given); err != nil {
			return fmt.Errorf("the password was not checked: %w: %w", err, smpp.RSYSERR)
		}
	}
	if !good {
		return fmt.Errorf("the password is wrong: %w", smpp.RINVPASWD)
	}
	return nil
}

var errNoTurn = fmt.Errorf("its turn did not come within %v", maxCheckWait)

// compare hashes a password when its turn has come.
func (p *peer) compare(c *Client, given string) (good bool, err error) {
	gone := p.s.Gone()
	p.sv.doors.Hold(p.s.RemoteAddr(), gone)
	ctx, cancel := context.WithTimeout(context.Background(), maxCheckWait)
	defer cancel()
	go func() {
		select {
		case <-gone:
		case <-p.sv.doors.Closing():
		case <-ctx.Done():
		}
		cancel()
	}()
	leave, err := p.sv.o.Passwords.Enter(ctx, session.AddrOf(p.s.RemoteAddr()))
	switch {
	case errors.Is(err, passwords.ErrBusy):
		return false, err
	case err != nil && p.gaveUp():
		return false, errGaveUp
	case err != nil:
		return false, errNoTurn
	}
	defer leave()
	if p.gaveUp() {
		return false, errGaveUp
	}
	if good = c.CheckPassword(given); good {
		p.sv.good.Keep(c.SystemID, c.Hash, given)
	}
	return good, nil
}

// refused logs a refusal and delays its answer, longer with each failure of the address.
func (p *peer) refused(b *smpp.Bind, err error) {
	var status smpp.Status
	errors.As(err, &status)
	p.sv.limited.Warn(bindRefused.As(status.String()), p.known(b.SystemID)).Str("system_id", b.SystemID).Stringer("bind", b.Type).Stringer("remote", p.s.RemoteAddr()).
		AnErr("reason", err).Msg(bindRefused.Text)
	p.sv.watch.note(b.SystemID, Event{Kind: EventRefused, Reason: refusalReason(err), Remote: p.remote})
	if errors.Is(err, smpp.RALYBND) || err == errGaveUp {
		return // its credentials were right
	}
	p.sv.doors.Delay(p.s.RemoteAddr(), p.s.CameAt(), p.s.Done())
}

// refusalReason is why a bind was refused, without the status.
func refusalReason(err error) string {
	var status smpp.Status
	if errors.As(err, &status) {
		if status == smpp.RALYBND {
			return "its sessions are bound already"
		}
		return strings.TrimSuffix(err.Error(), ": "+status.Error())
	}
	return words(err)
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Bound implements session.Handler.
func (p *peer) Bound(s *session.Session) {
	p.sv.registry.bound(p)
	if !p.operator {
		p.sv.watch.note(s.SystemID(), Event{Kind: EventBound, Reason: p.bindType.String(), Remote: p.remote})
	}
}

// Unbound implements session.Handler.
func (p *peer) Unbound(s *session.Session, reason error) {
	p.sv.registry.unbound(p)
	if !p.operator {
		p.sv.watch.note(s.SystemID(), Event{Kind: EventUnbound, Reason: words(reason), Remote: p.remote})
	}
	p.sv.limited.Line(zerolog.InfoLevel, unbound, p.known(s.SystemID())).Str("system_id", s.SystemID()).Stringer("remote", s.RemoteAddr()).Uint64("session", s.ID()).
		AnErr("reason", reason).Msg(unbound.Text)
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
		if r, ok := pdu.(*smpp.CancelSM); ok && r.MessageID == "" {
			p.cancelAll(h, c, r)
			return
		}
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
