package smstext

import "unicode/utf8"

// appendReplacement writes what stands for a rune that does not fit a.
func appendReplacement(a Alphabet, dst []byte, r rune) []byte {
	if a == UCS2 || a == UTF8 { // only invalid UTF-8 does not fit
		dst, _ = appendRune(a, dst, utf8.RuneError)
		return dst
	}
	if a == GSM7 && r == 'ç' {
		// 0x09 is Ç in the table, and was shown as ç by many handsets.
		dst, _ = appendRune(a, dst, 'Ç')
		return dst
	}
	s := transliterate(r)
	if s == "" {
		s = "?"
	}
	for _, c := range s { // every alphabet has these
		dst, _ = appendRune(a, dst, c)
	}
	return dst
}

// transliterate gives what a reader takes for r, in characters that every
// alphabet has; "" if there is nothing. It covers what French typing, word
// processors and the western alphabets produce.
func transliterate(r rune) string {
	switch r {
	case '\t', '\u00A0', '\u2002', '\u2003', '\u2007', '\u2009', '\u202F':
		return " "
	case '`', '´', '‘', '’', '‚', '‛', '′':
		return "'"
	case '“', '”', '„', '″', '«', '»':
		return `"`
	case '‐', '‑', '‒', '–', '—', '−', '•':
		return "-"
	case '…':
		return "..."
	case '€':
		return "EUR"
	case '×':
		return "x"
	case 'À', 'Á', 'Â', 'Ã', 'Ä', 'Å':
		return "A"
	case 'à', 'á', 'â', 'ã', 'ä', 'å':
		return "a"
	case 'Æ':
		return "AE"
	case 'æ':
		return "ae"
	case 'Ç':
		return "C"
	case 'ç':
		return "c"
	case 'È', 'É', 'Ê', 'Ë':
		return "E"
	case 'è', 'é', 'ê', 'ë':
		return "e"
	case 'Ì', 'Í', 'Î', 'Ï':
		return "I"
	case 'ì', 'í', 'î', 'ï':
		return "i"
	case 'Ñ':
		return "N"
	case 'ñ':
		return "n"
	case 'Ò', 'Ó', 'Ô', 'Õ', 'Ö', 'Ø':
		return "O"
	case 'ò', 'ó', 'ô', 'õ', 'ö', 'ø':
		return "o"
	case 'Œ':
		return "OE"
	case 'œ':
		return "oe"
	case 'ß':
		return "ss"
	case 'Ù', 'Ú', 'Û', 'Ü':
		return "U"
	case 'ù', 'ú', 'û', 'ü':
		return "u"
	case 'Ý', 'Ÿ':
		return "Y"
	case 'ý', 'ÿ':
		return "y"
	default:
		return ""
	}
}
