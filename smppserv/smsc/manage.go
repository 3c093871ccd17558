package smsc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
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

// own finds a message that this client submitted. Another client's is as unknown as one that never was.
func (p *peer) own(ctx context.Context, c *Client, id string) (*sms.Message, error) {
	for _, n := range sms.ParseID(id, c.MessageIDHex) {
		m, err := p.sv.o.History.Message(ctx, n)
		switch {
		case errors.Is(err, ErrUnknownMessage):
		case err != nil:
			return nil, err
		case m.Submitter == c.SystemID && m.Kind == sms.KindText:
			return m, nil
		}
	}
	return nil, smpp.RINVMSGID
}

// sameSource compares a request's source address with the message's, as 4.8.1 and its like ask for.
func (c *Client) sameSource(m *sms.Message, a smpp.Address) bool {
	s, err := c.source(a)
	return err == nil && s == m.Source
}

// querySM tells a message's state (4.8).
func (p *peer) querySM(ctx context.Context, c *Client, r *smpp.QuerySM) (*smpp.QuerySMResp, error) {
	m, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return nil, err
	}
	if !c.sameSource(m, r.Source) {
		return nil, smpp.RQUERYFAIL
	}
	resp := &smpp.QuerySMResp{MessageID: r.MessageID, State: smpp.MessageState(m.State)}
	switch {
	case m.State.Final():
		resp.FinalDate, resp.ErrorCode = smpp.FormatTime(m.FinalAt), byte(min(m.Error, 255))
	case p.s.Version() >= smpp.V50 && m.Attempts == 0 && m.DueAt.After(time.Now()):
		resp.State = smpp.StateScheduled // 5.0 only
	}
	return resp, nil
}

// cancelSM takes back one message, or all of a conversation (4.9).
func (p *peer) cancelSM(ctx context.Context, c *Client, r *smpp.CancelSM) error {
	if r.MessageID == "" {
		return p.cancelAll(ctx, c, r)
	}
	m, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return err
	}
	if !c.sameSource(m, r.Source) || r.Dest.Addr != "" && !sameDest(m, r.Dest) {
		return smpp.RCANCELFAIL
	}
	if err := p.sv.o.Queue.Cancel(ctx, m.ID); err != nil {
		return smpp.RCANCELFAIL
	}
	return nil
}

func sameDest(m *sms.Message, a smpp.Address) bool {
	d, err := destAddress(a)
	return err == nil && d == m.Dest
}

// cancelAll cancels what waits between two addresses, of one service_type if the request names one.
func (p *peer) cancelAll(ctx context.Context, c *Client, r *smpp.CancelSM) error {
	source, err := c.source(r.Source)
	dest, destErr := destAddress(r.Dest)
	if err != nil || destErr != nil {
		return smpp.RCANCELFAIL
	}
	probe := sms.Message{Submitter: c.SystemID, Source: source, Dest: dest}
	if err := p.route(&probe, c, p.sv.directory.Load()); err != nil {
		return smpp.RCANCELFAIL
	}
	waiting, err := p.sv.o.Queue.Conversation(ctx, probe.Recipient, source.Number, dest.Number)
	if err != nil {
		return err
	}
	cancelled := 0
	for _, m := range slices.Backward(waiting) { // the first one holds back those behind it until the end
		if m.Submitter == c.SystemID && m.Kind == sms.KindText && (r.ServiceType == "" || m.ServiceType == r.ServiceType) &&
			p.sv.o.Queue.Cancel(ctx, m.ID) == nil {
			cancelled++
		}
	}
	if cancelled == 0 {
		return smpp.RCANCELFAIL
	}
	return nil
}

// replaceSM gives a waiting message another text, and other times and receipts where the request names them (4.10).
func (p *peer) replaceSM(ctx context.Context, c *Client, r *smpp.ReplaceSM) error {
	version := p.s.Version()
	text, err := replacement(r, version)
	if err != nil {
		return err
	}
	d := p.sv.directory.Load()
	if err := checkRegistered(r.RegisteredDelivery, version); err != nil {
		return err
	}
	m, err := p.own(ctx, c, r.MessageID)
	if err != nil {
		return err
	}
	if !c.sameSource(m, r.Source) {
		return smpp.RREPLACEFAIL
	}
	err = p.sv.o.Queue.Replace(ctx, m.ID, func(m *sms.Message) error {
		dcs := m.DataCoding
		text, err := d.canned(r.DefaultMsgID, text, c, &dcs)
		if err != nil {
			return err
		}
		if m.DataCoding == dataCodingUCS2 && len(text)%2 != 0 {
			return smpp.RINVMSGLEN
		}
		changed := *m
		if dcs != m.DataCoding || r.DefaultMsgID != 0 {
			changed.DataCoding, changed.Alphabet = dcs, smstext.ForDataCoding(dcs, c.DefaultAlphabet).String()
		}
		changed.ReceivedAt = time.Now() // a receipt's submit date becomes the date of the replacement (appendix B)
		if err := setTimes(&changed, r.ScheduleDeliveryTime, r.ValidityPeriod, 0); err != nil {
			return err
		}
		if r.ScheduleDeliveryTime == "" {
			changed.DueAt = m.DueAt
		}
		if r.ValidityPeriod == "" {
			changed.ExpiresAt = m.ExpiresAt
		}
		changed.Content, changed.RegisteredDelivery = bytes.Clone(text), r.RegisteredDelivery
		changed.ESMClass &^= smpp.ESMUDHI
		*m = changed
		return nil
	})
	var status smpp.Status
	if err != nil && !errors.As(err, &status) {
		return smpp.RREPLACEFAIL
	}
	return err
}

// replacement is the new text of a replace_sm; 3.4 knows no message_payload there.
func replacement(r *smpp.ReplaceSM, version byte) ([]byte, error) {
	payload, ok := r.TLVs.Get(smpp.TagMessagePayload)
	switch {
	case ok && version < smpp.V50:
		return nil, smpp.ROPTPARNOTALLWD
	case ok:
		return payload, nil
	case len(r.ShortMessage) > maxShortMessage34 && version < smpp.V50:
		return nil, smpp.RINVMSGLEN
	}
	return r.ShortMessage, nil
}
