package smsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// submission is a submit_sm or data_sm on its way to disk: the message, and the request that is answered when it is there.
type submission struct {
	session.Ticket
	sv   *Server
	msg  sms.Message
	resp smpp.SubmitSMResp
	hex  bool // the form of the message_id
	data bool // answer with data_sm_resp, whose layout is the same
}

// Accepted implements sms.Sender: the message is on disk, so the client may forget it.
func (sub *submission) Accepted(m *sms.Message, _ bool, err error) {
	if err != nil {
		sub.Refuse(refusal(err))
		return
	}
	sub.sv.logMessage(m, "submitted")
	sub.resp.MessageID = formatID(m.ID, sub.Session().Version(), sub.hex)
	if sub.data {
		sub.Reply((*smpp.DataSMResp)(&sub.resp))
		return
	}
	sub.Reply(&sub.resp)
}

// Concluded implements sms.Sender.
func (*submission) Concluded(*sms.Message, sms.Outcome) {}

// refusal is the status for a message that the queue or the store did not take.
func refusal(err error) error {
	if errors.Is(err, sms.ErrQueueFull) {
		return smpp.RMSGQFUL
	}
	return smpp.RSYSERR
}

// submit validates a submit_sm, makes a message of it and hands it to the queue. A data_sm comes as the same fields.
func (p *peer) submit(h smpp.Header, r *smpp.SubmitSM) {
	c, limiter := p.sv.registry.settings(p)
	sub := &submission{sv: p.sv, hex: c.MessageIDHex, data: h.Command == smpp.CmdDataSM}
	sub.Open(p.s, h)
	var err error
	if sub.data && !r.TLVs.Has(smpp.TagMessagePayload) {
		err = smpp.RMISSINGOPTPARAM
	} else {
		err = p.message(&sub.msg, c, limiter, r)
	}
	if err == nil {
		err = p.hand(&sub.msg, c, sub, r.ReplaceIfPresent == 1)
	}
	if err != nil {
		p.logRefusal(h.Command, r.Source, r.Dest, err)
		sub.Refuse(err)
	}
}

// hand gives a message to the queue.
func (p *peer) hand(m *sms.Message, c *Client, s sms.Sender, replace bool) error {
	var err error
	if replace {
		err = p.addReplacing(m, c, s)
	} else {
		err = p.sv.o.Queue.Add(m, c.MaxQueued, s)
	}
	if err != nil {
		return refusal(err)
	}
	return nil
}

// addReplacing puts m in the place of the oldest waiting message of the client with the same two numbers and service_type.
func (p *peer) addReplacing(m *sms.Message, c *Client, s sms.Sender) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	old, err := p.sv.o.Queue.Conversation(ctx, m.Recipient, m.Source.Number, m.Dest.Number)
	if err != nil {
		return err
	}
	for _, o := range old {
		if o.Kind == sms.KindText && o.Submitter == m.Submitter && o.ServiceType == m.ServiceType && o.Part == (sms.Part{}) {
			return p.sv.o.Queue.AddReplacing(ctx, m, c.MaxQueued, s, o.ID)
		}
	}
	return p.sv.o.Queue.Add(m, c.MaxQueued, s)
}

// lookupTime bounds what a request may wait for the store's answer.
const lookupTime = 5 * time.Second

// message fills m with what r says, or returns the status that refuses it.
func (p *peer) message(m *sms.Message, c *Client, limiter *rate.Limiter, r *smpp.SubmitSM) error {
	now := time.Now()
	version := p.s.Version()
	if err := checkSubmit(r, version); err != nil {
		return err
	}
	if !limiter.AllowN(now, 1) {
		return smpp.RTHROTTLED
	}
	*m = sms.Message{
		Submitter: c.SystemID, ServiceType: r.ServiceType, ESMClass: r.ESMClass, ProtocolID: r.ProtocolID, Priority: r.PriorityFlag,
		RegisteredDelivery: r.RegisteredDelivery, DataCoding: r.DataCoding, InterfaceVersion: version,
		ReceivedAt: now, State: sms.Enroute,
	}
	var err error
	if m.Source, err = sourceAddress(r.Source); err != nil {
		return err
	}
	if m.Dest, err = destAddress(r.Dest); err != nil {
		return err
	}
	if err := p.content(m, c, r, version); err != nil {
		return err
	}
	d := p.sv.directory.Load()
	if err := setTimes(m, r.ScheduleDeliveryTime, r.ValidityPeriod, d.Validity); err != nil {
		return err
	}
	return p.route(m, c, d)
}

// content takes the text of r, from short_message or message_payload, and finds out how it is written.
func (p *peer) content(m *sms.Message, c *Client, r *smpp.SubmitSM, version byte) error {
	text := r.ShortMessage
	if payload, ok := r.TLVs.Get(smpp.TagMessagePayload); ok {
		if len(text) > 0 && version < smpp.V50 {
			return smpp.ROPTPARNOTALLWD
		}
		text = payload
	}
	if err := readContent(m, c, text, r.TLVs); err != nil {
		return err
	}
	m.Content = bytes.Clone(text)
	m.TLVs = carried(r.TLVs)
	return nil
}

// setTimes reads the two times of a submit or replace.
func setTimes(m *sms.Message, schedule, validity string, dflt time.Duration) error {
	now := m.ReceivedAt
	m.DueAt, m.ExpiresAt = now, now.Add(dflt)
	if schedule != "" {
		t, err := smpp.ParseTime(schedule, now)
		if err != nil || t.Before(now.Truncate(100*time.Millisecond)) {
			return fmt.Errorf("schedule_delivery_time: %w", smpp.RINVSCHED)
		}
		m.DueAt = t
		m.ExpiresAt = t.Add(dflt)
	}
	if validity != "" {
		t, err := smpp.ParseTime(validity, now)
		if err != nil || !t.After(now) || t.Before(m.DueAt) {
			return fmt.Errorf("validity_period: %w", smpp.RINVEXPIRY)
		}
		m.ExpiresAt = t
	}
	return nil
}

// route finds out who the message is for.
func (p *peer) route(m *sms.Message, c *Client, d *directory) error {
	if !p.sv.o.Opportunity {
		m.Recipient = sms.Hermes
		if c.owns(m.Dest.Number) == 0 {
			return fmt.Errorf("%s may not write to %s: %w", c.SystemID, m.Dest.Number, smpp.RINVDSTADR)
		}
		return nil
	}
	owner, err := p.sv.owner(d, m.Dest.Number, m.Source.Number)
	if err != nil {
		return smpp.RSYSERR
	}
	if owner == nil {
		return fmt.Errorf("no client owns %s: %w", m.Dest.Number, smpp.RINVDSTADR)
	}
	m.Recipient = owner.SystemID
	return nil
}

// owner is the client that receives what is for campaign: among several that fit alike the one that last wrote
// from campaign's correspondent to it, else the first in the configuration. nil = nobody.
func (sv *Server) owner(d *directory, campaign, number string) (*Client, error) {
	owners := d.owners(campaign)
	switch len(owners) {
	case 0:
		return nil, nil
	case 1:
		return owners[0], nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	last, _, _, err := sv.o.History.LastWriter(ctx, number, campaign)
	if err != nil {
		sv.o.Log.Error().Err(err).Msg("cannot look up who wrote last")
		return nil, err
	}
	for _, c := range owners {
		if c.SystemID == last {
			return c, nil
		}
	}
	return owners[0], nil
}
