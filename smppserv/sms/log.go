package sms

import "github.com/rs/zerolog"

// MarshalZerologObject names the message in a log line, without its text.
func (m *Message) MarshalZerologObject(ev *zerolog.Event) {
	ev.Uint64("message_id", uint64(m.ID)).Str("from", m.Source.Text()).Str("to", m.Dest.Text())
	if m.Submitter != Hermes {
		ev.Str("submitter", m.Submitter)
	}
	if m.Recipient != Hermes {
		ev.Str("recipient", m.Recipient)
	}
	if m.Receipt != nil {
		ev.Uint64("receipt_of", uint64(m.Receipt.Of))
	}
}
