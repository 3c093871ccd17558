package smsc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// maxAddress is what an address of a submit_sm holds (SMPP 3.4, 4.4.1).
const maxAddress = 20

// SubmitAs hands in a text as if a client had submitted it, of which the client hears nothing: what an operator tries. s is answered
// when it is on disk. The client need not be bound; its numbers are looked at as for its own submits. The error says what is wrong.
func (sv *Server) SubmitAs(_ context.Context, systemID, from, to, text string, s road.Submission) error {
	d := sv.directory.Load()
	c := d.byID[systemID]
	if c == nil {
		return fmt.Errorf("config.toml has no client %q", systemID)
	}
	e := translate.ESME{Profile: &c.Profile, Texts: &d.Texts, Version: smpp.V34}
	r := e.Compose(from, to, text)
	// What comes in a PDU is judged there.
	switch {
	case len(r.Source.Addr) > maxAddress:
		return fmt.Errorf("the sender's number is longer than %d characters: %w", maxAddress, smpp.RINVSRCADR)
	case len(r.Dest.Addr) > maxAddress:
		return fmt.Errorf("the number written to is longer than %d characters: %w", maxAddress, smpp.RINVDSTADR)
	case strings.ContainsRune(from+to, 0):
		return fmt.Errorf("a number holds a NUL: %w", smpp.RINVSRCADR)
	}
	if err := e.CheckSubmit(r); err != nil {
		return fmt.Errorf("the message cannot be submitted: %w", err)
	}
	m := &sms.Message{}
	if err := e.Submit(m, smpp.CmdSubmitSM, r, time.Now()); err != nil {
		return fmt.Errorf("the message cannot be submitted: %w", err)
	}
	m.Submitter = systemID
	m.Accepted = sms.Acceptance{Remote: "operator"}
	var err error
	if m.Recipient, err = (&peer{sv: sv}).recipient(c, d, m.Source.Number, m.Dest.Number); err != nil {
		return err
	}
	return sv.o.Queue.Add(m, c.MaxQueued, s)
}
