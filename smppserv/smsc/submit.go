package smsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// submission is a submit_sm or data_sm on its way to disk: the message, and the request that is answered when it is there,
// or, in transaction mode, when its outcome is known.
type submission struct {
	session.Ticket
	sv     *Server
	client *Client
	msg    sms.Message
	resp   smpp.SubmitSMResp
	data   bool // answer with data_sm_resp, whose layout is the same
	tx     *transaction
}

// Accepted implements sms.Sender: the message is on disk, so the client may forget it.
func (sub *submission) Accepted(m *sms.Message, _ bool, err error) {
	if err != nil {
		sub.Refuse(refusal(err))
		return
	}
	sub.sv.logMessage(m, "submitted")
	sub.resp.MessageID = m.ID.Format(sub.client.MessageIDHex, m.InterfaceVersion < smpp.V34)
	if m.Transaction() {
		sub.sv.underWay.begin(sub)
		return
	}
	sub.taken()
}

func (sub *submission) taken() {
	sub.resp.TLVs = sub.sv.congestion(sub.msg.InterfaceVersion, sub.Session(), sub.client)
	sub.answer(smpp.ROK)
}

func (sub *submission) answer(status smpp.Status) {
	if sub.data {
		sub.Answer(status, (*smpp.DataSMResp)(&sub.resp))
		return
	}
	sub.Answer(status, &sub.resp)
}

// refusal is the status for a message that the queue or the store did not take.
func refusal(err error) error {
	if errors.Is(err, sms.ErrQueueFull) {
		return smpp.RMSGQFUL
	}
	return smpp.RSYSERR
}

// submit validates a submit_sm, makes a message of it and hands it to the queue. A data_sm comes as the same fields.
func (p *peer) submit(h smpp.Header, r *smpp.SubmitSM, c *Client, rate session.Rate) {
	sub := &submission{sv: p.sv, client: c, data: h.Command == smpp.CmdDataSM}
	sub.Open(p.s, h)
	var err error
	switch {
	case sub.data && !r.TLVs.Has(smpp.TagMessagePayload):
		err = smpp.RMISSINGOPTPARAM
	case r.ESMClass&smpp.ESMModeMask == smpp.ESMTransaction && !sub.data && p.s.Version() < smpp.V50:
		err = smpp.RINVESMCLASS // submit_sm has it in 5.0 only
	case !rate.Admit(1):
		err = smpp.RTHROTTLED
	default:
		err = p.message(&sub.msg, c, r, sub.data)
	}
	if err == nil {
		err = p.hand(&sub.msg, c, sub, r.ReplaceIfPresent == 1)
	}
	if err != nil {
		p.s.LogRefusal(h.Command, r.Source, r.Dest, err)
		sub.Refuse(err)
	}
}

// hand gives a message to the queue.
func (p *peer) hand(m *sms.Message, c *Client, s sms.Sender, replace bool) (err error) {
	if replace {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		err = p.sv.o.Queue.AddReplacing(ctx, m, c.MaxQueued, s)
	} else {
		err = p.sv.o.Queue.Add(m, c.MaxQueued, s)
	}
	if err != nil {
		return refusal(err)
	}
	return nil
}

// lookupTime bounds what a request may wait for the store's answer.
const lookupTime = 5 * time.Second

// message fills m with what r says, or returns the status that refuses it. data tells that r came as data_sm.
func (p *peer) message(m *sms.Message, c *Client, r *smpp.SubmitSM, data bool) error {
	now := time.Now()
	version := p.s.Version()
	d := p.sv.directory.Load()
	if err := checkSubmit(r, version); err != nil {
		return err
	}
	if err := d.checkServiceType(c, r.ServiceType, version); err != nil {
		return err
	}
	*m = sms.Message{
		Submitter: c.SystemID, ServiceType: r.ServiceType, ESMClass: r.ESMClass, ProtocolID: r.ProtocolID, Priority: r.PriorityFlag,
		RegisteredDelivery: r.RegisteredDelivery, DataCoding: r.DataCoding, InterfaceVersion: version,
		ReceivedAt: now, State: sms.Enroute,
	}
	var err error
	if m.Source, err = c.source(r.Source); err != nil {
		return err
	}
	if m.Dest, err = destAddress(r.Dest); err != nil {
		return err
	}
	if err := d.content(m, c, r); err != nil {
		return err
	}
	m.DueAt = now
	if err := setTimes(m, r.ScheduleDeliveryTime, r.ValidityPeriod); err != nil {
		return err
	}
	if r.ValidityPeriod == "" {
		m.ExpiresAt = m.DueAt.Add(d.Validity)
	}
	if data || version >= smpp.V50 { // 3.4 has these parameters in data_sm only
		if ttl, ok := r.TLVs.Uint32(smpp.TagQosTimeToLive); ok {
			m.ExpiresAt = sms.NotBefore(m.DueAt.Add(time.Duration(ttl) * time.Second))
		}
		dpf, _ := r.TLVs.Uint8(smpp.TagSetDpf)
		m.SetDPF = dpf == 1
	}
	m.Recipient, err = p.recipient(c, d, m.Source.Number, m.Dest.Number)
	return err
}

// content takes the text of r, from short_message, message_payload or the canned ones, and finds out how it is written.
func (d *directory) content(m *sms.Message, c *Client, r *smpp.SubmitSM) error {
	text := r.ShortMessage
	if payload, ok := r.TLVs.Get(smpp.TagMessagePayload); ok {
		if len(text) > 0 && m.InterfaceVersion < smpp.V50 {
			return smpp.ROPTPARNOTALLWD
		}
		text = payload
	}
	if err := d.checkLength(text); err != nil {
		return err
	}
	if r.DefaultMsgID != 0 && len(text) == 0 {
		m.ESMClass &^= smpp.ESMUDHI // there is no header in a canned text
	}
	var err error
	if text, err = d.canned(r.DefaultMsgID, text, c, &m.DataCoding); err != nil {
		return err
	}
	if err := readContent(m, c, text, r.TLVs); err != nil {
		return err
	}
	m.Content = bytes.Clone(text)
	m.TLVs = carried(r.TLVs)
	return nil
}

// canned puts the message that sm_default_msg_id names in the place of an empty text, in the client's own alphabet if it fits.
func (d *directory) canned(id byte, text []byte, c *Client, dcs *byte) ([]byte, error) {
	if id == 0 {
		return text, nil
	}
	said, ok := d.Canned[id]
	switch {
	case !ok:
		return nil, smpp.RINVDFTMSGID
	case len(text) > 0: // what the client wrote itself counts
		return text, nil
	}
	var alphabet smstext.Alphabet
	alphabet, *dcs = smstext.Choose(said, c.DefaultAlphabet)
	text, _ = smstext.Encode(alphabet, said)
	return text, nil
}

// setTimes puts the times that a submit or replace names in the place of m's own, and judges the two together.
// When it was tried already, DueAt is the time of the next try, and nothing that the client asked for.
func setTimes(m *sms.Message, schedule, validity string) error {
	now, scheduled := m.ReceivedAt, schedule != "" || m.Attempts == 0
	if schedule != "" {
		t, err := smpp.ParseTime(schedule, now)
		if err != nil || t.Before(now.Truncate(100*time.Millisecond)) {
			return fmt.Errorf("schedule_delivery_time: %w", smpp.RINVSCHED)
		}
		m.DueAt = sms.NotBefore(t)
	}
	if validity != "" {
		t, err := smpp.ParseTime(validity, now)
		if err != nil || !t.After(now) || scheduled && t.Before(m.DueAt) {
			return fmt.Errorf("validity_period: %w", smpp.RINVEXPIRY)
		}
		m.ExpiresAt = sms.NotBefore(t)
	}
	if schedule != "" && !m.ExpiresAt.IsZero() && m.ExpiresAt.Before(m.DueAt) {
		return fmt.Errorf("schedule_delivery_time after the end of the validity: %w", smpp.RINVSCHED)
	}
	return nil
}

// recipient is who a message of this client between two numbers is for.
func (p *peer) recipient(c *Client, d *directory, source, dest string) (string, error) {
	if !p.sv.o.Opportunity {
		if c.owns(dest) == 0 {
			return "", fmt.Errorf("%s may not write to %s: %w", c.SystemID, dest, smpp.RINVDSTADR)
		}
		return sms.Hermes, nil
	}
	owner, err := p.sv.owner(d, dest, source)
	if err != nil {
		return "", smpp.RSYSERR
	}
	if owner == nil {
		return "", fmt.Errorf("no client owns %s: %w", dest, smpp.RINVDSTADR)
	}
	return owner.SystemID, nil
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
