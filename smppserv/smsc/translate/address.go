package translate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// maxAlphanumeric is what fits an alphanumeric address in septets (3GPP 23.040, 9.1.2.5).
const maxAlphanumeric = 11

// Source judges the source_addr of a client's request; where it is empty, the client's default counts (4.4.1).
// The error is RINVSRCTON, RINVSRCNPI or RINVSRCADR.
func (p *Profile) Source(a smpp.Address) (sms.Address, error) {
	if a.Addr == "" && p.DefaultSource != "" {
		return DefaultAddress(p.DefaultSource), nil
	}
	return sourceAddress(a)
}

func sourceAddress(a smpp.Address) (sms.Address, error) {
	switch {
	case !smpp.ValidTON(a.TON):
		return sms.Address{}, smpp.RINVSRCTON
	case !smpp.ValidNPI(a.NPI):
		return sms.Address{}, smpp.RINVSRCNPI
	}
	number := strings.TrimPrefix(a.Addr, "+")
	if a.TON == smpp.TONAlphanumeric && len(number) > maxAlphanumeric || !visible(number) {
		return sms.Address{}, smpp.RINVSRCADR
	}
	return sms.Address{TON: a.TON, NPI: a.NPI, Number: sms.Number(number)}, nil
}

// Dest judges a destination_addr: a number. The error is RINVDSTTON, RINVDSTNPI or RINVDSTADR.
func Dest(a smpp.Address) (sms.Address, error) {
	switch {
	case !smpp.ValidTON(a.TON), a.TON == smpp.TONAlphanumeric:
		return sms.Address{}, smpp.RINVDSTTON
	case !smpp.ValidNPI(a.NPI):
		return sms.Address{}, smpp.RINVDSTNPI
	}
	number := strings.TrimPrefix(a.Addr, "+")
	if number == "" || !isNumber(number) {
		return sms.Address{}, smpp.RINVDSTADR
	}
	return sms.Address{TON: a.TON, NPI: a.NPI, Number: number}, nil
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7F {
			return false
		}
	}
	return true
}

const longNumber = 8 // digits; longer ones are international

// DefaultAddress is how a number is written that the client never used: letters beyond ASCII in Latin-1, if that has them.
func DefaultAddress(text string) sms.Address {
	switch {
	case !isNumber(text):
		return sms.Address{TON: smpp.TONAlphanumeric, Number: sms.Number(defaultOctets(text))}
	case len(text) > longNumber:
		return sms.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Number: text}
	}
	return sms.Address{NPI: smpp.NPIISDN, Number: text}
}

func defaultOctets(text string) string {
	if octets, ok := sms.Latin1(text); ok {
		return octets
	}
	return text
}

// Numbers are the numbers that may stand for what people read as text, the likeliest first: a client's octets may be UTF-8
// or Latin-1, and those of the latter that an earlier version stored bear no mark.
func Numbers(text string) []string {
	numbers := []string{sms.Number(text)}
	octets, ok := sms.Latin1(text)
	if ok && octets != text && !utf8.ValidString(octets) {
		numbers = append(numbers, sms.Number(octets), octets)
	}
	return numbers
}

// CheckDefault tells why a number that the client never used cannot be written to it, in words for Hermès: it is neither
// digits nor has a letter, or it has characters that are not in Latin-1. nil = it can.
func CheckDefault(text string) error {
	if isNumber(text) {
		return nil
	}
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		return errNoName
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxLatin1 }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Errorf("to: %q cannot be written in an address", r)
	}
	return nil
}

var errNoName = fmt.Errorf("to: must be digits, at most %d, or a name of at most %[1]d characters with a letter", maxAddress)

const maxAddress = 20 // octets (4.4.1)

func address(a sms.Address) smpp.Address {
	return smpp.Address{TON: a.TON, NPI: a.NPI, Addr: a.Octets()}
}
