package smsc

import (
	"context"
	"fmt"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// noClientError is sms.ErrNoClient with the number, and the client if one was named.
type noClientError struct{ number, client string }

func (e *noClientError) Error() string {
	if e.client != "" {
		return fmt.Sprintf("no client %q owns number %s", e.client, e.number)
	}
	return "no client owns number " + e.number
}

func (*noClientError) Is(target error) bool { return target == sms.ErrNoClient }

// addressError is sms.ErrAddress in words.
type addressError struct{ error }

func (addressError) Is(target error) bool { return target == sms.ErrAddress }

// Route finds the client that receives what Hermès writes from a campaign number to a person's, how many messages may
// wait for it, and how it writes the two numbers. client, if not empty, names it. The error is sms.ErrNoClient or
// sms.ErrAddress, in words for Hermès, or means that it could not be found out now.
func (sv *Server) Route(ctx context.Context, from, to, client string) (sms.Route, error) {
	d := sv.directory.Load()
	var owners []*Client
	if client == "" {
		owners = d.owners(from)
	} else if c := d.byID[client]; c != nil && c.owns(from) {
		owners = []*Client{c}
	}
	if len(owners) == 0 {
		return sms.Route{}, &noClientError{from, client}
	}
	numbers := translate.Numbers(to)
	last, err := sv.lastWriter(ctx, numbers, from)
	if err != nil {
		return sms.Route{}, err
	}
	c := lastToWrite(owners, last)
	r := sms.Route{Recipient: c.SystemID, MaxQueued: c.MaxQueued, Source: translate.DefaultAddress(from), Dest: translate.DefaultAddress(to)}
	if last.Client == c.SystemID {
		r.Source, r.Dest = last.Campaign, last.Number
		return r, nil
	}
	for _, number := range numbers {
		used, ok, err := sv.o.History.LastUse(ctx, c.SystemID, number)
		if err != nil {
			return sms.Route{}, err
		}
		if ok {
			r.Dest = used
			return r, nil
		}
	}
	if err := translate.CheckDefault(to); err != nil {
		return sms.Route{}, addressError{err}
	}
	return r, nil
}

// lastWriter is who last wrote to campaign from the first of several numbers, which read alike, that anybody wrote from.
func (sv *Server) lastWriter(ctx context.Context, numbers []string, campaign string) (last sms.Conversation, err error) {
	for _, number := range numbers {
		if last, ok, err := sv.o.History.LastWriter(ctx, number, campaign); ok || err != nil {
			return last, err
		}
	}
	return last, nil
}

// Fits tells why a message from Hermès can never be sent to its recipient, in words for Hermès: the text needs too many parts,
// or there is no data_coding for the alphabet asked for. nil = it can, as that client is configured and bound now.
func (sv *Server) Fits(m *sms.Message) error {
	d := sv.directory.Load()
	c := d.byID[m.Recipient]
	if c == nil { // gone since Route; it may come back
		return nil
	}
	e := translate.ESME{Profile: &c.Profile, Texts: &d.Texts, Version: sv.registry.receivesAs(c)}
	if err := e.Fits(m); err != nil {
		return fmt.Errorf("%w for client %s", err, c.SystemID)
	}
	return nil
}

// receivesAs is the highest version of SMPP that the client can be written to in: of the sessions that it has, else that it may have.
func (r *registry) receivesAs(c *Client) (version byte) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if a := r.accounts[c.SystemID]; a != nil {
		for _, p := range a.sessions {
			if p.bound && p.kind.Receives() {
				version = max(version, p.s.Version())
			}
		}
	}
	switch {
	case version > 0:
		return version
	case c.InterfaceVersion > 0:
		return c.InterfaceVersion
	}
	return smpp.V50
}
