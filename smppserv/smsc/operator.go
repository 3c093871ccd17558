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

// An operator's session is that of a command of this machine, which submits as a client beside the client's own sessions:
// it takes none of their places, and all that it is ever sent is what became of its own messages, which the client does
// not hear of.

// isOperator tells whether a bind bears the token that only who may read the server's files knows.
func (p *peer) isOperator(b *smpp.Bind) bool {
	return p.sv.o.Operator != nil && p.s.FromThisMachine() && p.sv.o.Operator(b.Password)
}

var errOperatorBind = fmt.Errorf("a command of this machine binds as a transceiver: %w", smpp.RBINDFAIL)

// beside lets an operator's session in, without a place among the client's.
func (r *registry) beside(p *peer, c *Client) error {
	switch {
	case c.Disabled:
		return fmt.Errorf("the client is disabled: %w", smpp.RBINDFAIL)
	case p.bindType != smpp.CmdBindTransceiver:
		return errOperatorBind
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.kind, p.account = session.BoundTX, r.account(c) // what waits for the client is never sent here
	return nil
}

// reported is a submission of an operator's session.
type reported struct{ *submission }

// Awaits implements road.Submission.
func (sub reported) Awaits() bool { return true }

// Concluded implements road.Submission: what became of the message goes straight to the session, if that is still there.
func (sub reported) Concluded(m *sms.Message, o sms.Outcome) {
	sub.submission.Concluded(m, o)
	r := sms.NewReceipt(sms.KindReceipt, m, m.State, m.Error, m.FinalAt, time.Hour)
	p := &peer{sv: sub.sv, s: sub.Session()}
	e := p.esme(sub.client)
	as := *e.Profile
	as.ReceiptIDHex = as.MessageIDHex // the command knows the message by its response, whatever form the client wants in receipts
	e.Profile = &as
	pdus, err := e.DeliverSM(r)
	if err != nil {
		return // the command says that none came
	}
	if d, ok := pdus[0].(*smpp.DeliverSM); ok && m.Reason != "" {
		d.TLVs = append(d.TLVs, smpp.TLVString(smpp.TagAdditionalStatusInfoText, shortened(m.Reason)))
	}
	sub.Session().Send(pdus[0], func(a session.Answer) {
		if a.Err != nil && !errors.Is(a.Err, session.ErrClosed) {
			sub.sv.o.Log.Debug().Err(a.Err).Msg("a command did not take what became of its message")
		}
	})
}

// maxStatusText is what additional_status_info_text holds, without its NUL (5.3.2.11).
const maxStatusText = 255

func shortened(text string) string {
	if len(text) > maxStatusText {
		text = strings.ToValidUTF8(text[:maxStatusText], "")
	}
	return text
}
