package sms

// Text is what a message says, or the parts of a long one.
type Text struct {
	Text     string
	Encoding string // the name of its alphabet
	Data     []byte // of a binary message, which has no text; nil for a text
}
