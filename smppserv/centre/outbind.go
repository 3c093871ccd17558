package centre

import (
	"context"
	"net"
	"time"

	"hnetsmpp/pkg/config"
)

const (
	outbindInterval = time.Second // between two looks for clients to call
	firstRecall     = time.Second // before a client is called again; doubles up to lastRecall
	lastRecall      = time.Minute
	dialTimeout     = 10 * time.Second
)

// recall is when a client may be called next. Only one call at a time is under way.
type recall struct {
	addr  string
	wait  time.Duration
	after time.Time
	ended chan struct{} // closed at the end of the call, nil before the first
}

// outbinds calls the clients that something waits for and that are not bound to receive it (SMPP 3.4, 2.2.1).
func (mc *centre) outbinds(ctx context.Context) {
	tick := time.NewTicker(outbindInterval)
	defer tick.Stop()
	recalls := map[string]*recall{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, c := range mc.config().Clients {
				if c.Outbind != "" {
					if recalls[c.SystemID] == nil {
						recalls[c.SystemID] = &recall{}
					}
					mc.outbind(ctx, c, recalls[c.SystemID], now)
				}
			}
		}
	}
}

// outbind calls one client if it is time to.
func (mc *centre) outbind(ctx context.Context, c config.Client, r *recall, now time.Time) {
	bound := mc.smsc.Receives(c.SystemID)
	if bound || r.addr != c.Outbind {
		r.addr, r.wait, r.after = c.Outbind, 0, time.Time{}
	}
	if r.ended != nil {
		select {
		case <-r.ended:
		default:
			return
		}
	}
	if bound || c.Disabled || now.Before(r.after) || !mc.queue.Waits(c.SystemID) || !mc.calls(ctx, c.SystemID, lastRecall) {
		return
	}
	r.wait = min(max(2*r.wait, firstRecall), lastRecall)
	r.after = now.Add(r.wait)
	ended := make(chan struct{})
	r.ended = ended
	log := mc.log.With().Str("system_id", c.SystemID).Str("outbind", c.Outbind).Logger()
	wait := r.wait
	go func() {
		defer close(ended)
		d := net.Dialer{Timeout: dialTimeout}
		conn, err := d.DialContext(ctx, "tcp", c.Outbind)
		if err != nil {
			log.Warn().Err(err).Stringer("next_call_in", wait).Msg("cannot call the client that messages wait for")
			return
		}
		log.Info().Msg("calling the client that messages wait for: outbind")
		if err := mc.smsc.Outbind(conn, c.OutbindPassword); err != nil && ctx.Err() == nil {
			log.Warn().Err(err).Stringer("next_call_in", wait).Msg("the client that messages wait for was called, and did not bind")
		}
	}()
}
