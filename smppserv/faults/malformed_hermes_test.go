package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// hermes has Hermès answer a push with what a case says, and any further push of that message with 200.
func (d *doors) hermes(n int, c *malformed) reply {
	d.oneAnswer.Lock() // several in a row would be a Hermès that is down, and probed by one push at a time
	defer d.oneAnswer.Unlock()
	octets, err := c.sent(sequence)
	if err != nil {
		return reply{err: err}
	}
	d.pushed++
	to := fmt.Sprintf("72%06d", d.pushed)
	d.at.ScriptEach(to, testkit.Answer{Raw: string(octets)}, testkit.Answer{Status: http.StatusOK})
	conn, err := dial(d.worker.SMPP)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	s := stranded{conn: conn}
	if err := s.enter(d, n, "BOUND_TX"); err != nil {
		return reply{err: fmt.Errorf("%v: %w", c, err)}
	}
	id, err := s.submit(smpptest.NewSubmit("33612345678", to, "for a Hermès that is not well"))
	if err != nil {
		return reply{err: fmt.Errorf("%v: %w", c, err)}
	}
	for end := time.Now().Add(slow); ; time.Sleep(20 * time.Millisecond) {
		m, err := d.message(id)
		if err != nil {
			return reply{err: err}
		}
		if m.State == "ENROUTE" && time.Now().Before(end) {
			continue
		}
		_ = s.ask(&smpp.Unbind{})
		r := reply{}
		for _, step := range m.Timeline {
			if step.Kind == "try" {
				r.answer = append(r.answer, step.Text.String())
			}
		}
		r.answer = append(r.answer, m.State)
		r.said = fmt.Sprint(d.at.Pushes(func(p testkit.Push) bool { return p.Message.To == to }))
		return r
	}
}

// submit returns the message_id.
func (s *stranded) submit(m *smpp.SubmitSM) (id string, err error) {
	if _, err := s.conn.Write(smpp.AppendPDU(nil, smpp.ROK, 2, m)); err != nil {
		return "", err
	}
	for {
		h, body, err := smpp.ReadPDU(s.conn, smpp.MaxPDU)
		if err != nil {
			return "", err
		}
		if h.Command == smpp.CmdEnquireLink {
			s.answer(h)
			continue
		}
		p, err := smpp.Decode(h, body)
		if err != nil {
			return "", err
		}
		if resp, ok := p.(*smpp.SubmitSMResp); ok && h.Status == smpp.ROK {
			return resp.MessageID, nil
		}
		return "", fmt.Errorf("submit_sm: %v %v", h.Command, h.Status)
	}
}

// message is what the API tells of one.
func (d *doors) message(id string) (m adminapi.Detail, err error) {
	r, err := http.NewRequest(http.MethodGet, "https://"+d.worker.Admin+"/api/v1/messages/"+id, nil)
	if err != nil {
		return m, err
	}
	r.SetBasicAuth("ops", operatorPassword)
	answer, err := d.site.Do(r)
	if err != nil {
		return m, err
	}
	defer answer.Body.Close()
	return m, json.NewDecoder(answer.Body).Decode(&m)
}
