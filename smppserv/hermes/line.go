package hermes

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hnetsmpp/smppserv/sms"
)

const (
	maxAddress = 20 // octets of an address (SMPP 3.4, 5.2.8 and 5.2.9)
	maxID      = 255
	octets     = "binary" // the alphabet of data
)

// alphabets are those that a text may be asked to go out in.
var alphabets = [...]string{"gsm7", "gsm7packed", "latin1", "ascii", "ucs2", "utf8"}

// line is what Hermès writes. Keys that are not known are passed over: a newer Hermès may have more of them.
type line struct {
	ID       lineID  `json:"id"`
	From     string  `json:"from"`
	To       string  `json:"to"`
	Text     *string `json:"text"`
	Data     *string `json:"data"`
	Alphabet string  `json:"alphabet"`
	Client   string  `json:"client"`
	Validity string  `json:"validity"`
	Status   bool    `json:"status"`
	Token    string  `json:"token"`

	isObject bool   // so far that the token could be read
	whole    bool   // nothing is wrong with it by itself, and it may be handed in
	content  []byte // of sms.Message, as is alphabet
	alphabet string
	validity time.Duration
}

// byteOrderMark is what .NET's StreamWriter begins with.
const byteOrderMark = "\uFEFF"

// parseLine reads a line. With an error, the line has the id and token that could be read.
func parseLine(raw []byte, validity time.Duration) (*line, error) {
	l := &line{validity: validity}
	raw = trimmed(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return l, errors.New("the line is not a JSON object")
	}
	if readUsual(raw, l) {
		l.isObject = true
		return l, l.check()
	}
	return parseUnusual(raw, validity)
}

// parseUnusual reads what begins as an object.
func parseUnusual(raw []byte, validity time.Duration) (*line, error) {
	l := &line{validity: validity}
	err := json.Unmarshal(raw, l)
	var wrong *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrong) {
		l.ID.echo = readID(raw)
		if several(raw) {
			return l, errors.New("more than one JSON object on the line")
		}
		return l, fmt.Errorf("the line is not JSON: %w", err)
	}
	l.isObject = true
	switch {
	case !utf8.Valid(raw):
		return l, errors.New("the line is not UTF-8")
	case l.ID.wrong != "":
		return l, fmt.Errorf("id: must be a string, not %s", l.ID.wrong)
	case wrong != nil && wrong.Field == "status":
		return l, fmt.Errorf("status: must be true or false, not %s", article(wrong.Value))
	case wrong != nil:
		return l, fmt.Errorf("%s: must be a string, not %s", wrong.Field, article(wrong.Value))
	}
	return l, l.check()
}

// trimmed takes off what may stand before the object.
func trimmed(raw []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(raw, []byte(byteOrderMark)), " \t")
}

func (l *line) check() (err error) {
	if len(l.ID.text) > maxID {
		return fmt.Errorf("id: longer than %d octets", maxID)
	}
	if l.From, err = number("from", l.From); err != nil {
		return err
	}
	if l.To, err = recipient(l.To); err != nil {
		return err
	}
	switch {
	case l.Text == nil && l.Data == nil:
		return errors.New("text: missing, and no data")
	case l.Text != nil && l.Data != nil:
		return errors.New("text: not together with data")
	case l.Data != nil:
		if l.Alphabet != "" && l.Alphabet != octets {
			return errors.New("alphabet: is for text, not for data")
		}
		if l.content, err = base64.StdEncoding.DecodeString(*l.Data); err != nil {
			return errors.New("data: not base64")
		}
		l.alphabet = octets
	default:
		if l.Alphabet != "" && !slices.Contains(alphabets[:], l.Alphabet) {
			return fmt.Errorf("alphabet: must be one of %s", strings.Join(alphabets[:], ", "))
		}
		l.content, l.alphabet = []byte(*l.Text), l.Alphabet
	}
	if l.Validity != "" {
		d, err := time.ParseDuration(l.Validity)
		if err != nil || d <= 0 {
			return errors.New(`validity: must be a duration of more than 0, such as "90s", "30m" or "24h"`)
		}
		l.validity = d
	}
	return nil
}

// number checks the number of a campaign and takes its leading + off.
func number(key, s string) (string, error) {
	s = strings.TrimPrefix(s, "+")
	switch {
	case s == "":
		return s, errors.New(key + ": missing")
	case digits(s) && len(s) > maxAddress:
		return s, fmt.Errorf("%s: more than %d digits", key, maxAddress)
	case !digits(s) && !name(s):
		return s, fmt.Errorf("%s: must be digits, or a name with a letter, at most %d characters of ASCII", key, maxAddress)
	}
	return s, nil
}

// recipient checks the number or the name of a person, which may be all that clients write in an address, and takes
// its leading + off. Whether a name can be written that no client wrote, the route decides.
func recipient(s string) (string, error) {
	s = strings.TrimPrefix(s, "+")
	switch {
	case s == "":
		return s, errors.New("to: missing")
	case digits(s) && len(s) > maxAddress:
		return s, fmt.Errorf("to: more than %d digits", maxAddress)
	case octetsOf(s) > maxAddress:
		return s, fmt.Errorf("to: more than the %d octets of an address", maxAddress)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return s, errors.New("to: a control character cannot be written in an address")
	}
	return s, nil
}

// octetsOf is how long a name is on the wire, in Latin-1 or, where it has other characters, in UTF-8.
func octetsOf(s string) int {
	if octets, ok := sms.Latin1(s); ok {
		return len(octets)
	}
	return len(s)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// name tells whether s can be an alphanumeric address: printable, with a letter.
func name(s string) bool {
	letter := false
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' {
			return false
		}
		letter = letter || c|0x20 >= 'a' && c|0x20 <= 'z'
	}
	return letter && len(s) <= maxAddress
}
