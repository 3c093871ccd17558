package smpp

import "unicode/utf8"

// Address is an SME's address.
type Address struct {
	TON, NPI byte
	Addr     string // at most 20 characters; in data_sm and alert_notification 64
}

// Text is the address as people read it: UTF-8, or Latin-1 where it is not that.
func (a Address) Text() string {
	if utf8.ValidString(a.Addr) {
		return a.Addr
	}
	runes := make([]rune, len(a.Addr))
	for i := range len(a.Addr) {
		runes[i] = rune(a.Addr[i])
	}
	return string(runes)
}

// The longest addresses, in octets with their NUL.
const (
	maxAddr     = 21 // 4.4.1
	maxLongAddr = 65 // 4.7.1, 4.12.1
)

// Type of number (5.2.5).
const (
	TONUnknown         byte = 0 // 5.2.5
	TONInternational   byte = 1 // 5.2.5
	TONNational        byte = 2 // 5.2.5
	TONNetworkSpecific byte = 3 // 5.2.5
	TONSubscriber      byte = 4 // 5.2.5
	TONAlphanumeric    byte = 5 // 5.2.5
	TONAbbreviated     byte = 6 // 5.2.5
)

// Numbering plan indicator (5.2.6).
const (
	NPIUnknown    byte = 0  // 5.2.6
	NPIISDN       byte = 1  // 5.2.6, E.163 and E.164
	NPIData       byte = 3  // 5.2.6, X.121
	NPITelex      byte = 4  // 5.2.6, F.69
	NPILandMobile byte = 6  // 5.2.6, E.212
	NPINational   byte = 8  // 5.2.6
	NPIPrivate    byte = 9  // 5.2.6
	NPIERMES      byte = 10 // 5.2.6
	NPIInternet   byte = 14 // 5.2.6, IP
	NPIWAP        byte = 18 // 5.2.6, WAP client ID
)

// ValidTON says whether b is a defined type of number; all others are reserved.
func ValidTON(b byte) bool { return b <= TONAbbreviated }

// ValidNPI says whether b is a defined numbering plan; all others are reserved.
func ValidNPI(b byte) bool {
	switch b {
	case NPIUnknown, NPIISDN, NPIData, NPITelex, NPILandMobile, NPINational, NPIPrivate, NPIERMES, NPIInternet, NPIWAP:
		return true
	}
	return false
}
