package hermes

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxEcho is how long an id may be that an answer bears, which is a line too.
const maxEcho = maxLine - 1024

// lineID is the id of a line, and what the answers to it say of it, right or wrong.
type lineID struct {
	text  string
	echo  []byte // as JSON, nil = there is none
	wrong string // what it is in the place of a string, in words
}

// UnmarshalJSON implements json.Unmarshaler. An id that is null is none, as with the other keys.
func (id *lineID) UnmarshalJSON(value []byte) error {
	*id = lineID{}
	switch value[0] {
	case '"':
		id.text, id.echo = text(value)
		return nil
	case 'n':
	case 't', 'f':
		id.wrong = article("bool")
	case '{':
		id.wrong = article("object")
	case '[':
		id.wrong = article("array")
	default:
		id.wrong = article("number")
	}
	id.echo = echoed(value)
	return nil
}

// text reads a JSON string.
func text(value []byte) (s string, echo []byte) {
	if bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value) {
		s, echo = string(value[1:len(value)-1]), bytes.Clone(value)
	} else if json.Unmarshal(value, &s) == nil {
		echo = appendString(nil, s)
	}
	return s, short(echo)
}

// echoed is a value, which is JSON, as an answer bears it: the same, on one line and in UTF-8.
func echoed(value []byte) []byte {
	if value[0] == '"' {
		_, echo := text(value)
		return echo
	}
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return nil
	}
	return short(bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD")))
}

func short(echo []byte) []byte {
	if len(echo) > maxEcho {
		return nil
	}
	return echo
}

// article says in words what encoding/json calls a value.
func article(value string) string {
	switch value {
	case "bool":
		return "true or false"
	case "object", "array":
		return "an " + value
	}
	return "a " + value
}

// readID finds the id of a line that is no JSON, as an answer bears it: the last one before the fault. nil = there is none,
// or its end cannot be seen.
func readID(raw []byte) (id []byte) {
	raw = trimmed(raw)
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		if name, _ := key.(string); strings.EqualFold(name, "id") && ended(value, raw[d.InputOffset():]) {
			id = echoed(value)
		}
	}
	return id
}

// ended tells whether a value is whole: more digits might have followed a number.
func ended(value, rest []byte) bool {
	if c := value[0]; c != '-' && (c < '0' || c > '9') {
		return true
	}
	rest = bytes.TrimLeft(rest, " \t\r")
	return len(rest) > 0 && (rest[0] == ',' || rest[0] == '}')
}

// several tells whether another object follows the first one.
func several(raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	var first json.RawMessage
	if d.Decode(&first) != nil {
		return false
	}
	rest := bytes.TrimLeft(raw[d.InputOffset():], " \t\r")
	return len(rest) > 0 && rest[0] == '{'
}
