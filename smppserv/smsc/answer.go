package smsc

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// NoClientError says that nobody receives what is written from a campaign number.
type NoClientError struct{ Number, Client string }

func (e *NoClientError) Error() string {
	if e.Client != "" {
		return fmt.Sprintf("no client %q owns number %s", e.Client, e.Number)
	}
	return "no client owns number " + e.Number
}

// Route finds the client that receives what Hermès writes from a campaign number to a person's, how many messages may
// wait for it, and how it writes the two numbers. client, if not empty, names it. The error may be a *NoClientError.
func (sv *Server) Route(ctx context.Context, from, to, client string) (c *Client, source, dest sms.Address, err error) {
	d := sv.directory.Load()
	if client != "" {
		if c = d.byID[client]; c == nil || c.owns(from) == 0 {
			return nil, source, dest, &NoClientError{from, client}
		}
	} else if c, err = sv.owner(d, from, to); err != nil {
		return nil, source, dest, err
	}
	if c == nil {
		return nil, source, dest, &NoClientError{Number: from}
	}
	source, dest = translate.DefaultAddress(from), translate.DefaultAddress(to)
	last, number, campaign, err := sv.o.History.LastWriter(ctx, to, from)
	if err != nil {
		return nil, source, dest, err
	}
	if last == c.SystemID {
		return c, campaign, number, nil
	}
	used, err := sv.o.History.LastUse(ctx, c.SystemID, to)
	if err == nil && used.Number != "" {
		dest = used
	}
	return c, source, dest, err
}
