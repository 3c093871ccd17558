package translate

import (
	"slices"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// mixed is the encoding of a text whose parts came in several alphabets.
const mixed = "mixed"

// Text reads the text of a client's message, or of the parts of a long one, each in its own alphabet.
func Text(ms []*sms.Message) string {
	if ms[0].FromHermes() {
		return string(ms[0].Content)
	}
	text, _, _ := smstext.Read(userTexts(ms))
	return text
}

// Decode tells what a client wrote, in one message or in the parts of a long one: a text, or, if all of it is none, octets.
// Octets between parts that are text are read as Latin-1, so that the text can be read and nothing of them is lost.
func Decode(ms []*sms.Message) sms.Text {
	parts := userTexts(ms)
	if !slices.ContainsFunc(parts, func(p smstext.Part) bool { return p.Alphabet != smstext.Binary }) {
		t := sms.Text{Encoding: smstext.Binary.String(), Data: []byte{}} // not nil, though it be empty
		for _, p := range parts {
			t.Data = append(t.Data, p.Octets...)
		}
		return t
	}
	text, alphabet, same := smstext.Read(parts)
	if !same {
		return sms.Text{Encoding: mixed, Text: text}
	}
	return sms.Text{Encoding: alphabet.String(), Text: text}
}

// UnknownLanguage gives the identifier of a national language that the message's header names and that has no tables
// (23.038, 6.2.1.2.4); ok is false when there is none.
func UnknownLanguage(m *sms.Message) (id byte, ok bool) { return userText(m).Languages.Unknown() }

func userTexts(ms []*sms.Message) []smstext.Part {
	parts := make([]smstext.Part, len(ms))
	for i, m := range ms {
		parts[i] = userText(m)
	}
	return parts
}

// userText takes the user data header off a message. The rest of what is damaged is read as it is.
func userText(m *sms.Message) smstext.Part {
	alphabet, err := smstext.ParseAlphabet(m.Alphabet)
	if err != nil {
		alphabet = smstext.GSM7
	}
	part := smstext.Part{Alphabet: alphabet, Octets: m.Content}
	if m.ESMClass&smpp.ESMUDHI == 0 || len(m.Content) == 0 || int(m.Content[0]) >= len(m.Content) {
		return part
	}
	header := 1 + int(m.Content[0])
	part.Octets, part.FillBits = m.Content[header:], smstext.FillBits(header)
	if udh, _, err := smstext.ParseUDH(m.Content); err == nil {
		part.Languages = udh.Languages()
	}
	return part
}
