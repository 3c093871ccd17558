package smsc

import (
	"context"
	"fmt"

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

// Route finds the client that receives what Hermès writes from a campaign number to a person's, how many messages may
// wait for it, and how it writes the two numbers. client, if not empty, names it. The error is sms.ErrNoClient, in words
// for Hermès, or means that it could not be found out now.
func (sv *Server) Route(ctx context.Context, from, to, client string) (sms.Route, error) {
	d := sv.directory.Load()
	var c *Client
	var err error
	if client != "" {
		if c = d.byID[client]; c == nil || c.owns(from) == 0 {
			return sms.Route{}, &noClientError{from, client}
		}
	} else if c, err = sv.owner(d, from, to); err != nil {
		return sms.Route{}, err
	}
	if c == nil {
		return sms.Route{}, &noClientError{number: from}
	}
	r := sms.Route{Recipient: c.SystemID, MaxQueued: c.MaxQueued, Source: translate.DefaultAddress(from), Dest: translate.DefaultAddress(to)}
	last, _, err := sv.o.History.LastWriter(ctx, to, from)
	if err != nil {
		return sms.Route{}, err
	}
	if last.Client == c.SystemID {
		r.Source, r.Dest = last.Campaign, last.Number
		return r, nil
	}
	used, ok, err := sv.o.History.LastUse(ctx, c.SystemID, to)
	if err != nil {
		return sms.Route{}, err
	}
	if ok {
		r.Dest = used
	}
	return r, nil
}
