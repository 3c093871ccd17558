package smsc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// manage answers the requests about messages that are here already.
func (p *peer) manage(c *Client, pdu smpp.PDU) (smpp.PDU, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	switch r := pdu.(type) {
	case *smpp.QuerySM:
		return p.querySM(ctx, c, r)
	case *smpp.CancelSM:
		return &smpp.CancelSMResp{}, p.cancelSM(ctx, c, r)
	case *smpp.ReplaceSM:
		return &smpp.ReplaceSMResp{}, p.replaceSM(ctx, c, r)
	}
	return nil, smpp.RINVCMDID
}

// own finds what this client submitted under a message_id: one message, or all of a submit_multi.
// Another client's is as unknown as one that never was. Of two that it may stand for the one counts that was given it in this form.
func (p *peer) own(ctx context.Context, c *Client, id string) ([]*sms.Message, error) {
	var other []*sms.Message
	for _, n := range sms.ParseID(id, c.MessageIDHex) {
		known, err := p.sv.o.History.KnownAs(ctx, n)
		if err != nil {
			return nil, err
		}
		var own []*sms.Message
		for _, k := range known {
			m, err := p.sv.o.History.Get(ctx, k)
			switch {
			case errors.Is(err, sms.ErrUnknown): // purged in between
			case err != nil:
				return nil, err
			case m.Submitter == c.SystemID && m.Kind == sms.KindText:
				own = append(own, m)
			}
		}
		switch {
		case len(own) == 0:
		case n.Format(c.MessageIDHex, own[0].InterfaceVersion < smpp.V34) == strings.ToLower(id):
			return own, nil
		case other == nil:
			other = own
		}
	}
	if other == nil {
		return nil, smpp.RINVMSGID
	}
	return other, nil
}

// eachOf does something to messages, all at the same time so that they share their way to disk. It is enough that one succeeds;
// else the error is the status that refused the first, or, where there is none, otherwise; RSYSERR where one may be done later.
func eachOf(ms []*sms.Message, otherwise smpp.Status, do func(*sms.Message) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(ms))
	for i, m := range ms {
		wg.Go(func() { errs[i] = do(m) })
	}
	wg.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	err := errors.Join(errs...)
	if errors.Is(err, context.DeadlineExceeded) { // it is on its way to disk
		return smpp.RSYSERR
	}
	errors.As(err, &otherwise)
	return otherwise
}

// sameSource compares a request's source address with the message's, as 4.8.1 and its like ask for.
func (c *Client) sameSource(m *sms.Message, a smpp.Address) bool {
	s, err := c.Source(a)
	return err == nil && s.TON == m.Source.TON && s.NPI == m.Source.NPI && s.Octets() == m.Source.Octets()
}

// querySM tells a message's state (4.8); of a submit_multi's that of one that still waits, as long as there is one.
func (p *peer) querySM(ctx context.Context, c *Client, r *smpp.QuerySM) (*smpp.QuerySMResp, error) {
	ms, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return nil, err
	}
	m := ms[max(0, slices.IndexFunc(ms, func(m *sms.Message) bool { return !m.State.Final() }))]
	if !c.sameSource(m, r.Source) {
		return nil, smpp.RQUERYFAIL
	}
	return p.esme(c).QueryResp(m, r.MessageID, time.Now()), nil
}

// cancelSM takes back one message, or those of a submit_multi that still wait (4.9).
func (p *peer) cancelSM(ctx context.Context, c *Client, r *smpp.CancelSM) error {
	ms, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return err
	}
	ms = slices.DeleteFunc(ms, func(m *sms.Message) bool {
		return !c.sameSource(m, r.Source) || r.Dest.Addr != "" && !sameDest(m, r.Dest)
	})
	return eachOf(ms, smpp.RCANCELFAIL, func(m *sms.Message) error { return p.sv.cancelAt(ctx, m, "cancelled") })
}

func sameDest(m *sms.Message, a smpp.Address) bool {
	d, err := translate.Dest(a)
	return err == nil && d == m.Dest
}

// cancelTime bounds how long all messages of a conversation may take to be cancelled.
const cancelTime = 30 * time.Second

// cancelAll cancels what waits between two addresses, of one service_type if the request names one: all of it, or nothing.
// The session goes on meanwhile.
func (p *peer) cancelAll(h smpp.Header, c *Client, r *smpp.CancelSM) {
	t := &session.Ticket{}
	t.Open(p.s, h)
	source, err := c.Source(r.Source)
	dest, destErr := translate.Dest(r.Dest)
	if err != nil || destErr != nil {
		t.Refuse(smpp.RCANCELFAIL)
		return
	}
	recipient, err := p.recipient(c, p.sv.directory.Load(), source.Number, dest.Number)
	if err != nil {
		t.Refuse(smpp.RCANCELFAIL)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
	like := &sms.Message{Submitter: c.SystemID, Recipient: recipient, Source: source, Dest: dest, ServiceType: r.ServiceType}
	refuse := func(cause loglimit.Cause, err error, elsewhere int) {
		p.sv.limited.Warn(cause, p.known(c.SystemID)).Str("system_id", c.SystemID).Str("destination_addr", dest.Number).
			Int("taken_back_elsewhere", elsewhere).Err(err).Msg(cause.Text)
		t.Refuse(smpp.RCANCELFAIL)
	}
	p.sv.cancelConversation(ctx, like, func(all road.Cancelled, err error) {
		defer cancel()
		switch {
		case errors.Is(err, errTooManyElsewhere):
			refuse(tooManyElsewhere, err, all.N)
		case errors.Is(err, sms.ErrTooMany):
			refuse(tooManyHere, err, all.N)
		case errors.Is(err, sms.ErrHeldElsewhere):
			refuse(notTakenBack, err, all.N)
		case err != nil:
			t.Refuse(err)
		case all.N == 0:
			t.Refuse(smpp.RCANCELFAIL)
		default:
			t.Reply(&smpp.CancelSMResp{})
		}
	})
}

// replaceSM gives a waiting message another text, and other times and receipts where the request names them (4.10).
func (p *peer) replaceSM(ctx context.Context, c *Client, r *smpp.ReplaceSM) error {
	e := p.esme(c)
	if err := e.CheckReplace(r); err != nil {
		return err
	}
	ms, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return err
	}
	ms = slices.DeleteFunc(ms, func(m *sms.Message) bool { return !c.sameSource(m, r.Source) })
	return eachOf(ms, smpp.RREPLACEFAIL, func(m *sms.Message) error { return p.sv.replaceAt(ctx, m, e, c, r) })
}
