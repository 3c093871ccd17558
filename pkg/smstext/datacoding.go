package smstext

// ForDataCoding gives the alphabet that a data_coding names (SMPP 3.4 5.2.19,
// 3GPP 23.038 section 4). dflt is what 0 means to this client.
//
//	0x00       dflt
//	0x01       ASCII, unless its octets can only be GSM 7-bit (see Decode)
//	0x02 0x04  Binary
//	0x03       Latin1
//	0x06       Cyrillic
//	0x07       Hebrew
//	0x08       UCS2
//	0x05 0x09–0x0F             Binary: JIS, KS C 5601, pictograms, reserved
//	0x10–0x1F  message class   bits 3–2: 0 GSM, 1 Binary, 2 UCS2, 3 Binary (reserved)
//	0x20–0x3F  compressed      Binary
//	0x40–0x5F  auto-deletion   bits 3–2, as 0x10–0x1F
//	0x60–0xBF  compressed, reserved    Binary
//	0xC0–0xDF  message waiting GSM
//	0xE0–0xEF  message waiting UCS2
//	0xF0–0xF3  message class   GSM
//	0xF4–0xF7  message class   Binary
//	0xF8–0xFF  reserved        Binary
//
// GSM is GSM7Packed for a client whose 0 is GSM7Packed, and GSM7 for all others:
// a class changes what a handset does with a text, not how a client packs it.
func ForDataCoding(dcs byte, dflt Alphabet) Alphabet {
	switch {
	case dcs == 0x00:
		return dflt
	case dcs == 0x01:
		return ASCII
	case dcs == 0x03:
		return Latin1
	case dcs == 0x06:
		return Cyrillic
	case dcs == 0x07:
		return Hebrew
	case dcs == 0x08:
		return UCS2
	case dcs < 0x10:
		return Binary
	case dcs < 0x20, 0x40 <= dcs && dcs < 0x60:
		switch dcs >> 2 & 3 {
		case 0:
			return gsmLike(dflt)
		case 2:
			return UCS2
		default:
			return Binary
		}
	case dcs < 0xC0:
		return Binary
	case dcs < 0xE0:
		return gsmLike(dflt)
	case dcs < 0xF0:
		return UCS2
	case dcs < 0xF4:
		return gsmLike(dflt)
	default:
		return Binary
	}
}

func gsmLike(dflt Alphabet) Alphabet {
	if dflt == GSM7Packed {
		return GSM7Packed
	}
	return GSM7
}

// DataCoding gives the data_coding that a client whose 0 means dflt reads as a.
// ok is false when there is none without a side effect, such as a message class.
func (a Alphabet) DataCoding(dflt Alphabet) (dcs byte, ok bool) {
	if a == dflt {
		return 0x00, true
	}
	switch a {
	case ASCII:
		return 0x01, true
	case Latin1:
		return 0x03, true
	case Binary:
		return 0x04, true
	case Cyrillic:
		return 0x06, true
	case Hebrew:
		return 0x07, true
	case UCS2:
		return 0x08, true
	default:
		return 0, false
	}
}

// Choose gives the alphabet and the data_coding in which s goes whole to
// a client whose data_coding 0 means dflt: dflt where s fits it, else UCS2.
func Choose(s string, dflt Alphabet) (a Alphabet, dcs byte) {
	if Fits(dflt, s) {
		return dflt, 0x00
	}
	return UCS2, 0x08
}
