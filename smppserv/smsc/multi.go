package smsc

import (
	"errors"
	"math"
	"sync"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// multi is a submit_multi: a message for each destination, one answer for all. They share the first one's message_id.
type multi struct {
	session.Ticket
	sv     *Server
	client *Client

	mu       sync.Mutex
	left     int // messages that are not on disk yet, and one until all are handed over
	answered bool
	resp     smpp.SubmitMultiResp
	cause    error // why the last message was not taken
}

// multiPart is one destination's message.
type multiPart struct {
	*multi
	msg  *sms.Message // the queue's, once it has been handed over
	dest smpp.Address
}

func (p *peer) submitMulti(h smpp.Header, r *smpp.SubmitMulti, c *Client, rate session.Rate) {
	all := &multi{sv: p.sv, client: c, left: 1}
	all.Open(p.s, h)
	dests, err := p.destinations(r, c)
	if err == nil && !rate.Admit(len(dests)) {
		err = p.throttled()
	}
	if err != nil {
		p.s.LogRefusal(h.Command, r.Source, smpp.Address{}, err)
		all.Refuse(err)
		return
	}
	p.account.meter.add(p.s.CameAt(), len(dests))
	var first *sms.Message
	for _, dest := range dests {
		part := &multiPart{multi: all, msg: &sms.Message{}, dest: dest}
		err := p.message(part.msg, c, h, translate.SubmitOfMulti(r, dest))
		if err == nil {
			part.msg.First = first
			all.add()
			if err = p.hand(part.msg, c, part, false); err != nil {
				all.done()
			} else if first == nil {
				first = part.msg
			}
		}
		if err == nil {
			continue
		}
		p.s.LogRefusal(h.Command, r.Source, dest, err)
		if first == nil && !ofDestination(err) { // the request is at fault, and nothing was handed over yet
			all.Refuse(err)
			return
		}
		part.failed(err)
	}
	all.done()
}

// destinations judges what a submit_multi may not have (4.5.1), and puts the members of its distribution lists in their place.
func (p *peer) destinations(r *smpp.SubmitMulti, c *Client) ([]smpp.Address, error) {
	if err := p.esme(c).CheckMulti(r); err != nil {
		return nil, err
	}
	members, err := p.sv.directory.Load().members(r, c)
	if err != nil {
		return nil, err
	}
	return translate.Destinations(r.Dests, members)
}

// members are the numbers of the distribution lists that r is for.
func (d *directory) members(r *smpp.SubmitMulti, c *Client) (numbers []string, err error) {
	for _, dest := range r.Dests {
		if dest.ListName == "" {
			continue
		}
		list, ok := d.Lists[dest.ListName]
		switch {
		case !ok:
			return nil, smpp.RINVDLNAME
		case !c.grants(distributionList):
			return nil, smpp.RCNTSUBDL
		}
		numbers = append(numbers, list...)
	}
	return numbers, nil
}

// ofDestination tells the faults that only this destination has.
func ofDestination(err error) bool {
	return errors.Is(err, smpp.RINVDSTADR) || errors.Is(err, smpp.RINVDSTTON) || errors.Is(err, smpp.RINVDSTNPI)
}

func (all *multi) add() {
	all.mu.Lock()
	all.left++
	all.mu.Unlock()
}

// done counts one message down and answers after the last.
func (all *multi) done() {
	all.mu.Lock()
	all.left--
	last := all.left == 0
	all.mu.Unlock()
	if !last {
		return
	}
	switch {
	case all.resp.MessageID != "":
		all.resp.TLVs = all.sv.congestion(all.Session().Version(), all.Session(), all.client)
		all.Reply(&all.resp)
	case all.cause != nil:
		all.Refuse(all.cause)
	default:
		all.Refuse(smpp.RSUBMITFAIL)
	}
	all.mu.Lock()
	all.answered = true
	all.mu.Unlock()
}

// noSession is the number of none.
const noSession = math.MaxUint64

// Answered implements road.Submission. The receipt of one message may be due while others are still on their way to disk:
// until there is an answer in the output of its session, it has to wait there, too.
func (all *multi) Answered() (session uint64, since time.Time, ok bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if !all.answered {
		return noSession, time.Time{}, false
	}
	return all.Ticket.Answered()
}

// failed notes a destination that gets no message.
func (part *multiPart) failed(err error) {
	status := smpp.RSYSERR
	errors.As(err, &status)
	part.mu.Lock()
	defer part.mu.Unlock()
	part.resp.Unsuccess = append(part.resp.Unsuccess, smpp.Unsuccess{Address: part.dest, Status: status})
	if !ofDestination(err) {
		part.cause = err
	}
}

// Accepted implements road.Submission.
func (part *multiPart) Accepted(m *sms.Message, duplicate bool, err error) {
	if err != nil {
		part.failed(refusal(err))
	} else {
		part.sv.logMessage(m, howSubmitted(duplicate))
		part.mu.Lock()
		if part.resp.MessageID == "" {
			part.resp.MessageID = m.PublicID().Format(part.client.MessageIDHex, m.InterfaceVersion < smpp.V34)
		}
		part.mu.Unlock()
	}
	part.done()
}

// Awaits implements road.Submission.
func (*multiPart) Awaits() bool { return false }

// Concluded implements road.Submission.
func (*multiPart) Concluded(*sms.Message, sms.Outcome) {}
