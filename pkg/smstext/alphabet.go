package smstext

import "fmt"

// Alphabet is the meaning of a message's octets. The zero value is GSM7.
// Values that are not named here behave as Binary.
type Alphabet uint8

const (
	GSM7       Alphabet = iota // GSM 03.38 default and extension tables, a septet per octet
	GSM7Packed                 // the same septets, 8 in 7 octets; 23.038 6.1.2
	Latin1                     // ISO-8859-1; read as Windows-1252, whose extra characters (€ “ ”) clients send under its data_coding
	ASCII                      // IA5; Read finds out what it is really
	UCS2                       // UTF-16 with surrogate pairs, big-endian unless a byte order mark tells otherwise
	UTF8                       // no data_coding of its own; some clients' data_coding 0
	Binary                     // 8-bit data, no text
	Cyrillic                   // ISO-8859-5
	Hebrew                     // ISO-8859-8
)

// String gives the name that config.toml and the push to Hermès use.
func (a Alphabet) String() string {
	switch a {
	case GSM7:
		return "gsm7"
	case GSM7Packed:
		return "gsm7packed"
	case Latin1:
		return "latin1"
	case ASCII:
		return "ascii"
	case UCS2:
		return "ucs2"
	case UTF8:
		return "utf8"
	case Binary:
		return "binary"
	case Cyrillic:
		return "cyrillic"
	case Hebrew:
		return "hebrew"
	default:
		return fmt.Sprintf("alphabet(%d)", uint8(a))
	}
}

// ParseAlphabet is the inverse of String.
func ParseAlphabet(name string) (Alphabet, error) {
	for a := GSM7; a <= Hebrew; a++ {
		if a.String() == name {
			return a, nil
		}
	}
	return Binary, fmt.Errorf("alphabet %q: not one of gsm7, gsm7packed, latin1, ascii, ucs2, utf8, binary, cyrillic, hebrew", name)
}
