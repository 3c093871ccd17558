package translate

import (
	"strings"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
)

// TON and NPI of a telephone number (SMPP 3.4, 5.2.5 and 5.2.6).
const (
	tonInternational = 1
	npiISDN          = 1
)

// Compose is the submit_sm in which the client would write a text, whole: in its default alphabet if it fits that, else in UCS2.
func (e ESME) Compose(from, to, text string) *smpp.SubmitSM {
	alphabet, dcs := e.codings().Choose(text)
	octets, _ := smstext.Encode(alphabet, text)
	r := &smpp.SubmitSM{DataCoding: dcs, Source: number(from), Dest: number(to)}
	if len(octets) <= maxShortMessage {
		r.ShortMessage = octets
	} else {
		r.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: octets}}
	}
	return r
}

// maxShortMessage is what short_message holds (SMPP 3.4, 5.2.22).
const maxShortMessage = 254

func number(text string) smpp.Address {
	digits := strings.TrimPrefix(strings.TrimSpace(text), "+")
	a := smpp.Address{NPI: npiISDN, Addr: digits}
	if strings.HasPrefix(strings.TrimSpace(text), "+") || len(digits) > maxShortNumber {
		a.TON = tonInternational
	}
	return a
}

// maxShortNumber is how long a number may be that is none of the world's, such as a campaign's.
const maxShortNumber = 8
