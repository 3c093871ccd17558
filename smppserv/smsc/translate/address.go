package translate

import (
	"strings"

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
	return sms.Address{TON: a.TON, NPI: a.NPI, Number: number}, nil
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

// DefaultAddress is how a number is written that the client never used.
func DefaultAddress(number string) sms.Address {
	switch {
	case !isNumber(number):
		return sms.Address{TON: smpp.TONAlphanumeric, Number: number}
	case len(number) > longNumber:
		return sms.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Number: number}
	}
	return sms.Address{NPI: smpp.NPIISDN, Number: number}
}

func address(a sms.Address) smpp.Address { return smpp.Address{TON: a.TON, NPI: a.NPI, Addr: a.Number} }
