package hermes

import (
	"unicode/utf16"
	"unicode/utf8"
)

// readUsual reads a line of the usual form: valid, with known keys in lower case, each once, and their right types. Of any
// other it returns false, and encoding/json reads the line, which takes three times as long. Where both can, they agree.
func readUsual(raw []byte, l *line) bool {
	if !utf8.Valid(raw) {
		return false
	}
	u := usual{rest: raw[1:]}
	if u.next('}') {
		return u.ended()
	}
	var seen uint16
	for {
		key, plain, ok := u.quoted()
		if !ok || !plain || !u.next(':') {
			return false
		}
		bit, ok := u.value(l, key)
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
		switch {
		case u.next(','):
		case u.next('}'):
			return u.ended()
		default:
			return false
		}
	}
}

// usual is what is left of a line.
type usual struct{ rest []byte }

// value reads the value of a key, for which bit stands.
func (u *usual) value(l *line, key []byte) (bit uint16, ok bool) {
	if string(key) == "status" {
		l.Status, ok = u.truth()
		return 1, ok
	}
	value, plain, ok := u.quoted()
	if !ok {
		return 0, false
	}
	var s string
	if plain {
		s = string(value)
	} else if s, ok = unescaped(value); !ok {
		return 0, false
	}
	switch string(key) {
	case "id":
		if !plain {
			return 0, false
		}
		echo := make([]byte, 0, len(value)+2)
		echo = append(append(append(echo, '"'), value...), '"')
		l.ID = lineID{text: s, echo: short(echo)}
		return 2, true
	case "from":
		l.From = s
		return 4, true
	case "to":
		l.To = s
		return 8, true
	case "text":
		text := s
		l.Text = &text
		return 16, true
	case "data":
		data := s
		l.Data = &data
		return 32, true
	case "alphabet":
		l.Alphabet = s
		return 64, true
	case "client":
		l.Client = s
		return 128, true
	case "validity":
		l.Validity = s
		return 256, true
	case "token":
		l.Token = s
		return 512, true
	}
	return 0, false
}

func (u *usual) space() {
	i := 0
	for i < len(u.rest) && (u.rest[i] == ' ' || u.rest[i] == '\t' || u.rest[i] == '\r' || u.rest[i] == '\n') {
		i++
	}
	u.rest = u.rest[i:]
}

// next takes c, and the space around it, if it is there.
func (u *usual) next(c byte) bool {
	u.space()
	if len(u.rest) == 0 || u.rest[0] != c {
		return false
	}
	u.rest = u.rest[1:]
	u.space()
	return true
}

func (u *usual) ended() bool { return len(u.rest) == 0 }

func (u *usual) truth() (is, ok bool) {
	switch {
	case len(u.rest) >= 4 && string(u.rest[:4]) == "true":
		u.rest = u.rest[4:]
		return true, true
	case len(u.rest) >= 5 && string(u.rest[:5]) == "false":
		u.rest = u.rest[5:]
		return false, true
	}
	return false, false
}

// quoted takes a string, without its quotation marks; plain tells that nothing in it is escaped.
func (u *usual) quoted() (s []byte, plain, ok bool) {
	if len(u.rest) == 0 || u.rest[0] != '"' {
		return nil, false, false
	}
	plain = true
	for i := 1; i < len(u.rest); i++ {
		switch c := u.rest[i]; {
		case c == '"':
			s, u.rest = u.rest[1:i], u.rest[i+1:]
			return s, plain, true
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return nil, false, false
		}
	}
	return nil, false, false
}

// unescaped is what the inside of a JSON string stands for; half a surrogate pair is not ok.
func unescaped(s []byte) (text string, ok bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++ // quoted has seen what follows
		switch s[i] {
		case '"', '\\', '/':
			b = append(b, s[i])
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, ok := unit(s[i+1:])
			if !ok {
				return "", false
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if len(s) < i+3 || s[i+1] != '\\' || s[i+2] != 'u' {
					return "", false
				}
				second, ok := unit(s[i+3:])
				if r = utf16.DecodeRune(r, second); !ok || r == utf8.RuneError {
					return "", false
				}
				i += 6
			}
			b = utf8.AppendRune(b, r)
		default:
			return "", false
		}
	}
	return string(b), true
}

// unit reads four hexadecimal digits.
func unit(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
