// Package tally says which counters a message counts in, and by how much, and keeps those of the hour.
//
// A message counts twice: in the hour of its acceptance, under [Accepted], and in that of its end, under its final state. A
// purge takes nothing back.
package tally

import (
	"cmp"
	"strings"
	"time"

	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// Accepted is the state under which every message is counted in the hour of its acceptance.
const Accepted = sms.Enroute

// Subject is who and what a message counts for.
type Subject struct {
	Client   string // whose queue it counts in, "" = a receipt to Hermès
	Campaign string // the number of the contact centre's side; "" from a client to another one, and of campaigns beyond MaxCampaigns
	Peer     string // the client that another one wrote to, else ""
	Kind     sms.Kind
	Out      bool // to a client, from Hermès or the message centre itself
}

// Key is a counter's. Its parts are in the order in which counters are written.
type Key struct {
	Hour int64 // its first millisecond since 1970
	Subject
	State  sms.State
	Reason string // see Subject.Reason; "" of what did not fail
}

// Compare is in the order in which counters are written.
func (k *Key) Compare(o *Key) int {
	order := cmp.Or(cmp.Compare(k.Hour, o.Hour), strings.Compare(k.Client, o.Client), strings.Compare(k.Campaign, o.Campaign),
		strings.Compare(k.Peer, o.Peer), cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.State, o.State), strings.Compare(k.Reason, o.Reason))
	switch {
	case order != 0 || k.Out == o.Out:
		return order
	case o.Out:
		return -1
	}
	return 1
}

// Count is what a counter says.
type Count struct {
	N     int64
	Parts int64     // short messages; of Accepted alone
	Times Histogram // from acceptance to the end; of what was delivered alone
}

// Row is a counter.
type Row struct {
	Key
	Count
}

// Hour is the first millisecond of the hour, of UTC, of a time in milliseconds since 1970.
func Hour(ms int64) int64 {
	const hour = int64(time.Hour / time.Millisecond)
	if ms < 0 {
		return (ms - hour + 1) / hour * hour
	}
	return ms / hour * hour
}

// Of is what a message counts for.
func Of(m *sms.Message) Subject {
	s := Subject{Client: m.Owner(), Kind: m.Kind, Out: m.Submitter == sms.Hermes && m.Recipient != sms.Hermes}
	switch {
	case s.Out:
		s.Campaign = m.Source.Number
	case m.Recipient == sms.Hermes:
		s.Campaign = m.Dest.Number
	default:
		s.Peer = m.Recipient
	}
	return s
}

// Parts is how many short messages a message is: one, but for a text of Hermès that takes more, by its alphabet or the best one.
func Parts(m *sms.Message) int64 {
	const anyway = 70 // octets of UTF-8 that fit one in every alphabet
	if !m.FromHermes() || len(m.Content) <= anyway {
		return 1
	}
	const header = smstext.HeaderConcat8
	a, err := smstext.ParseAlphabet(m.Alphabet)
	switch {
	case m.Alphabet == "" || err != nil:
		a = smstext.Best(string(m.Content))
	case a == smstext.Binary:
		return int64(len(smstext.SplitOctets(m.Content, smstext.Limit(a, 0), smstext.Limit(a, header))))
	}
	parts, err := smstext.Split(a, string(m.Content), smstext.SplitOptions{Header: header})
	if err != nil { // it will be refused
		return 1
	}
	return int64(len(parts))
}
