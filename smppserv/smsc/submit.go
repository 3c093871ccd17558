package smsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// submission is a submit_sm or data_sm on its way to disk: the message, and the request that is answered when it is there,
// or, in transaction mode, when its outcome is known.
type submission struct {
	session.Ticket
	sv     *Server
	client *Client
	msg    *sms.Message // the queue's, once it has been handed over
	resp   smpp.SubmitSMResp
	data   bool // answer with data_sm_resp, whose layout is the same
	tx     *transaction
}

// Accepted implements road.Submission: the message is on disk, so the client may forget it.
func (sub *submission) Accepted(m *sms.Message, duplicate bool, err error) {
	if err != nil {
		sub.Refuse(refusal(err))
		return
	}
	sub.sv.logMessage(m, howSubmitted(duplicate))
	sub.resp.MessageID = m.ID.Format(sub.client.MessageIDHex, m.InterfaceVersion < smpp.V34)
	if m.Transaction() {
		sub.sv.underWay.begin(sub)
		return
	}
	sub.taken()
}

// howSubmitted is what the log says of a message.
func howSubmitted(duplicate bool) string {
	if duplicate {
		return "submitted once more, and answered as the first time: a part of a text that was complete"
	}
	return "submitted"
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

// submit makes a message of a submit_sm that may be sent, and hands it to the queue. A data_sm comes as the same fields.
func (p *peer) submit(h smpp.Header, r *smpp.SubmitSM, c *Client, rate session.Rate) {
	sub := &submission{sv: p.sv, client: c, msg: &sms.Message{}, data: h.Command == smpp.CmdDataSM}
	sub.Open(p.s, h)
	err := p.esme(c).CheckCommand(h.Command, r)
	switch {
	case err != nil:
	case !rate.Admit(1):
		err = p.throttled()
	default:
		p.account.meter.add(p.s.CameAt(), 1)
		err = p.message(sub.msg, c, h, r)
	}
	var s road.Submission = sub
	if p.operator {
		sub.msg.RegisteredDelivery, s = 0, reported{sub}
	}
	if err == nil {
		err = p.hand(sub.msg, c, s, r.ReplaceIfPresent == 1)
	}
	if err != nil {
		p.s.LogRefusal(h.Command, r.Source, r.Dest, err)
		sub.Refuse(err)
	}
}

// throttled notes that the client submits faster than its rate allows.
func (p *peer) throttled() error {
	now := time.Now().Unix()
	if last := p.account.throttled.Load(); now-last >= int64(alikeFor/time.Second) && p.account.throttled.CompareAndSwap(last, now) {
		p.sv.watch.note(p.s.SystemID(), Event{Kind: EventThrottled, Remote: p.remote})
	}
	return smpp.RTHROTTLED
}

// hand gives a message to the queue.
func (p *peer) hand(m *sms.Message, c *Client, s road.Submission, replace bool) (err error) {
	if replace {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		err = p.sv.addReplacing(ctx, m, c.MaxQueued, s)
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

// message fills m with what r, which came under the header h, says, or returns the status that refuses it.
func (p *peer) message(m *sms.Message, c *Client, h smpp.Header, r *smpp.SubmitSM) error {
	d := p.sv.directory.Load()
	e := translate.ESME{Profile: &c.Profile, Texts: &d.Texts, Version: p.s.Version()}
	if err := e.CheckSubmit(r); err != nil {
		return err
	}
	if err := d.checkServiceType(c, r.ServiceType, e.Version); err != nil {
		return err
	}
	err := e.Submit(m, h.Command, r, p.s.CameAt())
	if err != nil {
		return err
	}
	m.Accepted = sms.Acceptance{Session: p.s.ID(), Command: uint32(h.Command), Sequence: h.Sequence, Remote: p.remote}
	m.Submitter = c.SystemID
	m.Recipient, err = p.recipient(c, d, m.Source.Number, m.Dest.Number)
	return err
}

// esme is how the session's PDUs are read and written now.
func (p *peer) esme(c *Client) translate.ESME {
	return translate.ESME{Profile: &c.Profile, Texts: &p.sv.directory.Load().Texts, Version: p.s.Version()}
}

// recipient is who a message of this client between two numbers is for.
func (p *peer) recipient(c *Client, d *directory, source, dest string) (string, error) {
	if !p.sv.o.Opportunity {
		if !c.owns(dest) {
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
	last, _, err := sv.o.History.LastWriter(context.Background(), number, campaign)
	if err != nil {
		sv.limited.Line(zerolog.ErrorLevel, noLastWriter, loglimit.Peer{}).Err(err).Msg(noLastWriter.Text)
		return nil, err
	}
	return lastToWrite(owners, last), nil
}

// lastToWrite is the one of the owners that wrote last, else the first.
func lastToWrite(owners []*Client, last sms.Conversation) *Client {
	for _, c := range owners {
		if c.SystemID == last.Client {
			return c
		}
	}
	return owners[0]
}
