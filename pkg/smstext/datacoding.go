package smstext

// ForDataCoding gives the alphabet that a data_coding names (SMPP 3.4 5.2.19,
// 3GPP 23.038 section 4). dflt is what 0 means to this client.
//
//	0x00       dflt
//	0x01       ASCII, which Read judges by its octets
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

// Codings is what data_codings mean to a client. The zero value is that of ForDataCoding with GSM7.
type Codings struct {
	Default Alphabet          // of 0
	Others  map[byte]Alphabet // of those that mean something else than the standard says; 0 is not looked up
}

// Alphabet gives the alphabet that the client names by a data_coding.
func (c Codings) Alphabet(dcs byte) Alphabet {
	if a, ok := c.Others[dcs]; ok && dcs != 0 {
		return a
	}
	return ForDataCoding(dcs, c.Default)
}

// DataCoding gives the data_coding that the client reads as a: the standard's, or the lowest of the client's own.
// ok is false when there is none without a side effect, such as a message class.
func (c Codings) DataCoding(a Alphabet) (dcs byte, ok bool) {
	if a == c.Default {
		return 0x00, true
	}
	if dcs, ok = a.standardCoding(); ok && c.Alphabet(dcs) == a {
		return dcs, true
	}
	for dcs := 1; dcs <= 0xFF; dcs++ {
		if own, ok := c.Others[byte(dcs)]; ok && own == a {
			return byte(dcs), true
		}
	}
	return 0, false
}

func (a Alphabet) standardCoding() (dcs byte, ok bool) {
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

// Choose gives the alphabet and the data_coding in which s goes whole to the client: its default where s fits that, else
// UCS2, or UTF8 if the client has a data_coding for that alone.
func (c Codings) Choose(s string) (a Alphabet, dcs byte) {
	if Fits(c.Default, s) {
		return c.Default, 0x00
	}
	for _, a := range []Alphabet{UCS2, UTF8} {
		if dcs, ok := c.DataCoding(a); ok {
			return a, dcs
		}
	}
	return UCS2, 0x08
}
