// Package translate turns what SMPP clients send into messages, and messages into what they are sent. Its functions are
// pure: they know no sockets, sessions or queues, and no clock; now is given to them.
//
//	submit_sm ──────────────────────────────┐
//	data_sm ─────── SubmitOfData ───────────┤
//	submit_multi ── SubmitOfMulti, for each ┴─ CheckSubmit ── Submit ─→ sms.Message ── DeliverSM ─→ deliver_sm, one or several
//	of its Destinations                                                      │
//	replace_sm ──── CheckReplace ─────────────────────────────── Replace ────┘
//
// An error that refuses a request wraps the smpp.Status of its answer. The first fault counts: numbers in the order of
// table 4-10 of SMPP 3.4, then addresses, text and times.
package translate

import (
	"time"

	"hnetsmpp/pkg/smstext"
)

// Profile is what config.toml says of a client that decides what its PDUs mean and how those for it are written.
type Profile struct {
	DefaultSource   string                    // its address when source_addr is empty
	DefaultAlphabet smstext.Alphabet          // what data_coding 0 means
	Alphabets       map[byte]smstext.Alphabet // what others mean, where it is not what the standard says
	MessageIDHex    bool                      // message_ids are hexadecimal
	ReceiptIDHex    bool                      // and those in receipts
	LongMessages    LongMessages
}

// codings is what data_codings mean to the client.
func (p *Profile) codings() smstext.Codings {
	return smstext.Codings{Default: p.DefaultAlphabet, Others: p.Alphabets}
}

// LongMessages says how a text that is too long for one deliver_sm goes out.
type LongMessages uint8

const (
	LongUDH     LongMessages = iota // several, with user data headers (23.040, 9.2.3.24.1)
	LongSAR                         // several, with the sar_* parameters (SMPP 3.4, 5.3.2.22)
	LongPayload                     // one, with message_payload (5.3.2.32)
)

// Texts is what config.toml says of the texts of all clients.
type Texts struct {
	MaxOctets int             // of one request, 0 = no limit
	Validity  time.Duration   // of messages that name none
	Canned    map[byte]string // sm_default_msg_id → text
}

// ESME is the other end of a session, as far as it decides what PDUs mean.
type ESME struct {
	*Profile
	*Texts
	Version byte // of the session: smpp.V33, V34 or V50
}
