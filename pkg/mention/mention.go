// Package mention finds a person's number in what this program has written: log lines, the audit, PDUs.
package mention

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Number is one, with or without its +.
type Number struct{ forms [][]byte }

// Of is a number that is given without its +.
func Of(number string) Number {
	n := Number{forms: [][]byte{[]byte(number)}}
	if quoted, err := json.Marshal(number); err == nil && !bytes.Equal(quoted[1:len(quoted)-1], n.forms[0]) {
		n.forms = append(n.forms, quoted[1:len(quoted)-1])
	}
	return n
}

// In tells whether a text has the number standing for itself, and not as a part of a longer one.
func (n Number) In(text []byte) bool {
	from, _ := n.find(text)
	return from >= 0
}

// Without is a text with something else in the place of the number, wherever that stands, and of its +.
func (n Number) Without(text, place string) string {
	rest := []byte(text)
	var out []byte
	for {
		from, to := n.find(rest)
		if from < 0 {
			return string(append(out, rest...))
		}
		switch {
		case from > 0 && rest[from-1] == '+':
			from--
		case bytes.HasSuffix(bytes.ToUpper(rest[:from]), []byte("%2B")):
			from -= len("%2B")
		}
		out = append(append(out, rest[:from]...), place...)
		rest = rest[to:]
	}
}

// find is where the number stands first, -1 = nowhere.
func (n Number) find(text []byte) (from, to int) {
	for _, form := range n.forms {
		for at := 0; len(form) > 0; {
			i := bytes.Index(text[at:], form)
			if i < 0 {
				break
			}
			from, to := at+i, at+i+len(form)
			if begins(text[:from]) && (to == len(text) || !alphanumeric(text[to])) {
				return from, to
			}
			at = from + 1
		}
	}
	return -1, -1
}

// begins tells whether something may begin behind a text: an escape of JSON is no letter, and one of a URL seldom is.
func begins(before []byte) bool {
	n := len(before)
	switch {
	case n == 0 || !alphanumeric(before[n-1]):
		return true
	case inURL(before):
		return true
	case n >= 2 && before[n-2] == '\\':
		return bytes.IndexByte([]byte("nrtbf"), before[n-1]) >= 0
	}
	return n >= 6 && before[n-6] == '\\' && before[n-5] == 'u'
}

// inURL tells whether a text ends with a character that is escaped as in a URL, and is neither letter nor digit.
func inURL(text []byte) bool {
	n := len(text)
	if n < 3 || text[n-3] != '%' {
		return false
	}
	c, err := strconv.ParseUint(string(text[n-2:]), 16, 8)
	return err == nil && !alphanumeric(byte(c))
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
