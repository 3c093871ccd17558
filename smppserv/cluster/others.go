package cluster

import (
	"time"

	"hnetsmpp/smppserv/sms"
)

// row is what the table nodes says of a node.
type row struct {
	name, address, version string
	epoch                  sms.Epoch
	beat                   int64
	lease, left            time.Duration // left until its lease is over, by the database's clock; negative = it is
	since                  time.Time
	configuration          map[string]string
	facts                  []byte
}

// neighbour is another node as it was seen.
type neighbour struct {
	row
	from time.Duration // elapsed, when this beat was known, after the last gap
	last time.Duration // elapsed, when it was asked for last

	heard time.Duration // elapsed, when this beat was known first, gap or not
}

// neighbours are all other nodes. They tell which of them is silent; who asks has its own lease.
type neighbours map[sms.Epoch]*neighbour

// observe takes up what the table says now: asked for at sent, known at now. A gap tells that renewals failed in between: then those
// of others may have, too, and everybody has a whole lease anew.
func (ns neighbours) observe(rows []row, sent, now time.Duration, gap bool) {
	seen := make(map[sms.Epoch]bool, len(rows))
	for _, r := range rows {
		seen[r.epoch] = true
		was := ns[r.epoch]
		is := &neighbour{row: r, from: now, last: sent, heard: now}
		if was != nil && was.beat == r.beat {
			is.heard = was.heard
			if !gap {
				is.from = was.from
			}
		}
		ns[r.epoch] = is
	}
	for e := range ns {
		if !seen[e] {
			delete(ns, e)
		}
	}
}

// clockGrain is how much more than its lease a node may have left before the database's clock is known to have been set back.
const clockGrain = time.Second

// silent tells that others may take over, if none of them has heard more.
func (o *neighbour) silent(lease time.Duration) bool {
	expired := o.left < 0 || o.left > o.lease+clockGrain
	return expired && o.last >= o.due(lease)
}

// due is when, elapsed, it may be silent, unless it is heard before: who judges it has this lease.
func (o *neighbour) due(lease time.Duration) time.Duration { return o.from + max(lease, o.lease) }
