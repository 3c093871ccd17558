// Package sms says what a message is, which states it passes through and what a try to deliver it can end in.
//
// A message has one way: it was handed in by a client or by Hermès, and it is for a client or for Hermès.
// A delivery receipt is a message like any other, of [KindReceipt].
//
//	             ┌──────────── try again ───────────┐
//	             ▼                                  │
//	SCHEDULED → ENROUTE ── try ── DELIVERED         │
//	                        ├──── UNDELIVERABLE     │
//	                        ├──── REJECTED          │
//	                        └───────────────────────┘
//	            ENROUTE ── validity over ── EXPIRED
//	            ENROUTE ── cancel_sm ────── DELETED
package sms

import (
	"bytes"
	"strconv"
	"time"
)

// Hermes names the contact centre where a system_id would name a client.
const Hermes = ""

// Epoch is one life of a worker, among those that share a store. None is used twice; 0 = none.
type Epoch int64

// Kind tells a text from what the message centre writes itself.
type Kind uint8

const (
	KindText         Kind = iota // what a person or a program wrote
	KindReceipt                  // a delivery receipt (SMPP 3.4, 2.11), or to Hermès the final state of its message
	KindIntermediate             // an intermediate notification (SMPP 3.4, 5.2.12)
	KindDPF                      // waits until a recipient that could not be reached (set_dpf) is, and has nothing to deliver
	KindAlert                    // an alert_notification: the recipient can be reached again (SMPP 3.4, 4.12)
)

// Part places a message within a long text that came in several (23.040, 9.2.3.24.1; SMPP 3.4, 5.3.2.22 to 24).
// The zero value stands for a message that is whole.
type Part struct {
	Ref        uint16
	Total, Seq byte
}

// PartForm is how a part names its text. Numbers of different forms have nothing to do with each other.
type PartForm uint8

const (
	FormUnknown PartForm = iota // an earlier version stored it, or it is whole
	FormUDH8                    // 23.040, 9.2.3.24.1
	FormUDH16                   // 23.040, 9.2.3.24.8
	FormSAR                     // SMPP 3.4, 5.3.2.22
)

// Message is one short message on its way. A client's long text is a Message for each part that it submitted;
// a long text from Hermès is one Message, however many deliver_sm it takes.
type Message struct {
	ID        ID
	Kind      Kind
	Submitter string // system_id of the client that handed it in, or Hermes
	Recipient string // system_id of the client that it is for, or Hermes
	Source    Address
	Dest      Address

	ServiceType        string
	ESMClass           byte
	ProtocolID         byte
	Priority           byte
	RegisteredDelivery byte
	DataCoding         byte
	InterfaceVersion   byte // of the session that submitted it

	// Alphabet names how Content is written: for a client's message the alphabet of its octets,
	// for a message from Hermès, whose Content is UTF-8, the alphabet to send it in, "" for the best that fits.
	// "binary" is for octets that are no text, whoever wrote them.
	Alphabet string
	Content  []byte // short_message or message_payload, with its user data header when ESMClass has UDHI
	TLVs     []byte // parameters to hand on to the recipient, as on the wire
	Part     Part
	PartForm PartForm // how Part.Ref came
	SetDPF   bool     // set_dpf: tell the submitter when the recipient, having been out of reach, can be reached again
	Receipt  *Receipt // nil for KindText

	ReceivedAt time.Time // or replaced (replace_sm)
	StoredAt   time.Time // when it was received at first; zero of what a version stored that did not keep it
	DueAt      time.Time // not tried before
	ExpiresAt  time.Time // not tried after
	// Period tells that the validity is a period, not asked for or asked for as one: it elapses whatever the clock is set to.
	// Else ExpiresAt is a time of the wall clock.
	Period bool

	// First is the message whose ID the submitter knows this one by, when one submit_multi made several; nil = its own.
	// The store writes that ID to KnownBy.
	First   *Message
	KnownBy ID

	State    State
	Attempts int // tries that failed or succeeded
	// Wait is from the last try, which failed, to DueAt: 0 = not known or not tried, negative = DueAt was asked for after that try.
	Wait    time.Duration
	Error   int       // an HTTP status or a command_status: the receipt's err
	Reason  string    // of the last failed try, in words
	TriedAt time.Time // when the last try began; zero = not tried, or not known
	Took    time.Duration
	Through string // what the last try went through: "hermes", "session 13"
	// Unjudged is how many tries up to the last one, following each other, ended alike and said nothing of the message; 0 = the
	// last one did.
	Unjudged   int
	FinalAt    time.Time // zero until State is final
	ExternalID string    // Hermès' own id on the TCP port
	PushKey    string    // of a part whose text was tried: the key of the first try, "" = its own
	// Progress is what those who deliver a text in parts note, so that no part which was taken is sent again: octets, "" = nothing.
	Progress string
	Accepted Acceptance

	// Where several workers share a store, Holder is the one whose queue has the message, or is to have it, instead of this
	// worker's; 0 = this one has it, or it is final. HandedBy is who accepted it, once that one has handed it on; 0 = nobody has.
	Holder, HandedBy Epoch
	// AcceptedBy is whose clock gave it its times; 0 = this worker's, in this life or an earlier one.
	AcceptedBy Epoch
}

// Acceptance is how a message was handed in. The zero value stands for what the message centre wrote itself, and for what is not
// known.
type Acceptance struct {
	Session  uint64 // the SMPP session, 0 = none
	Command  uint32 // the command_id
	Sequence uint32 // the sequence_number
	Remote   string // host:port, or "operator", "operator again ID"
}

// Try is one try to deliver a message, or the last one of several.
type Try struct {
	At      time.Time // when it began
	Took    time.Duration
	Through string // "hermes", "session 13"
	Error   int    // an HTTP status or a command_status, 0 = there was no answer, or it succeeded
	Reason  string // why it failed, "" = it succeeded
	// Unjudged is how many tries up to this one, following each other, ended alike and said nothing of the message; 0 = it did.
	Unjudged int
}

// Receipt is what a delivery receipt says of the message that it is about (SMPP 3.4, appendix B).
type Receipt struct {
	Of          ID
	State       State
	Error       int
	SubmittedAt time.Time
	DoneAt      time.Time
	ExternalID  string // of a message from Hermès
	DPF         bool   // an alert_notification will follow
	Away        bool   // of a delivery pending flag: nobody was there, whichever message it was
}

// FirstReceived is when the message was handed in, whenever it was replaced since, as far as is known.
func (m *Message) FirstReceived() time.Time {
	if m.StoredAt.IsZero() {
		return m.ReceivedAt
	}
	return m.StoredAt
}

// Scheduled tells whether the submitter named a time for the first try, which was not made yet. What names none is due when it
// comes, and so is what names that very moment: in the same tenth of a second, or rounded up as NotBefore does.
func (m *Message) Scheduled() bool {
	ahead := m.DueAt.UnixMilli() - m.FirstReceived().UnixMilli()
	return m.Attempts == 0 && (ahead < -100 || ahead > 1)
}

// FromHermes tells whether Hermès handed the message in.
func (m *Message) FromHermes() bool { return m.Submitter == Hermes && m.Kind == KindText }

// PublicID is the message_id that the submitter was given.
func (m *Message) PublicID() ID {
	if m.KnownBy != 0 {
		return m.KnownBy
	}
	return m.ID
}

// Key tells the message from every other one, also from one that a database put back from a backup gave the same ID:
// "1042-mwu1i19c", the ID and StoredAt in milliseconds, base 36. Of what an earlier version stored it is the ID alone.
func (m *Message) Key() string {
	switch {
	case m.PushKey != "":
		return m.PushKey
	case m.StoredAt.IsZero():
		return m.ID.String()
	}
	return m.ID.String() + "-" + strconv.FormatInt(m.StoredAt.UnixMilli(), 36)
}

// NotBefore is t in the milliseconds that times are kept in, rounded up: what is due must not come too early.
func NotBefore(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

// Owner is the client whose queue the message counts in.
func (m *Message) Owner() string {
	if m.Submitter != Hermes {
		return m.Submitter
	}
	return m.Recipient
}

// HeadOctets is enough of the original for the 20 characters of a receipt in any alphabet,
// a user data header and surrogate pairs included.
const HeadOctets = 60

// NewDPF makes the message that waits for m's recipient after m has ended, so that m's submitter can be alerted.
// away tells that nobody was there, rather than that the recipient did not take m.
func NewDPF(m *Message, away bool, now time.Time, validity time.Duration) *Message {
	return &Message{
		Kind: KindDPF, Submitter: m.Submitter, Recipient: m.Recipient, Source: m.Source, Dest: m.Dest,
		InterfaceVersion: m.InterfaceVersion, Content: []byte{},
		Receipt:    &Receipt{Of: m.PublicID(), State: Enroute, SubmittedAt: m.ReceivedAt, DoneAt: now, Away: away},
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(validity), Period: true, State: Enroute,
	}
}

// NewReceipt makes the receipt, the intermediate notification or the alert that tells m's submitter of its state.
func NewReceipt(kind Kind, m *Message, state State, code int, now time.Time, validity time.Duration) *Message {
	return &Message{
		Kind:             kind,
		Recipient:        m.Submitter,
		Source:           m.Dest,
		Dest:             m.Source,
		ServiceType:      m.ServiceType,
		ESMClass:         m.ESMClass,
		DataCoding:       m.DataCoding,
		InterfaceVersion: m.InterfaceVersion,
		Alphabet:         m.Alphabet,
		Content:          bytes.Clone(m.Content[:min(len(m.Content), HeadOctets)]), // not all of a long text in memory
		TLVs:             m.TLVs,
		Receipt: &Receipt{Of: m.PublicID(), State: state, Error: code, SubmittedAt: m.ReceivedAt, DoneAt: now,
			ExternalID: m.ExternalID},
		ReceivedAt: now,
		DueAt:      now,
		ExpiresAt:  now.Add(validity),
		Period:     true,
		State:      Enroute,
	}
}
