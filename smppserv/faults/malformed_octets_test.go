package faults

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

// octetsWord is one of a line of octets: hexadecimal digits, a Go string, {a part}, or some times one of these, as in 3*00.
var octetsWord = regexp.MustCompile(`^\s*(?:(\d+)\*)?(?:((?:[0-9A-Fa-f]{2})+)|("(?:[^"\\]|\\.)*")|\{(\w+)\})`)

// octets reads a line of octets.
func (c *malformed) octets(line string) ([]byte, error) {
	var all []byte
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		m := octetsWord.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%v: no octets: %.40s", c, rest)
		}
		rest = rest[len(m[0]):]
		var one []byte
		var err error
		switch {
		case m[2] != "":
			one, err = hex.DecodeString(m[2])
		case m[3] != "":
			var text string
			text, err = strconv.Unquote(m[3])
			one = []byte(text)
		default:
			part, known := c.parts[m[4]]
			if !known {
				return nil, fmt.Errorf("%v: there is no part %q", c, m[4])
			}
			one, err = c.octets(part)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %s: %w", c, m[0], err)
		}
		times := 1
		if m[1] != "" {
			if times, err = strconv.Atoi(m[1]); err != nil {
				return nil, fmt.Errorf("%v: %w", c, err)
			}
		}
		all = append(all, bytes.Repeat(one, times)...)
	}
	return all, nil
}

// sequence is that of a case's PDU where it names none.
const sequence = 7

// sent is all that a case sends, in the place of a PDU's sequence_number the one given where the case names none.
func (c *malformed) sent(number uint32) ([]byte, error) {
	if c.PDU == "" {
		all, err := c.octets(c.Octets)
		return append(all, c.Text...), err
	}
	h := smpp.Header{Sequence: number}
	var err error
	if h.Command, err = commandNamed(c.PDU); err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	body, err := c.octets(c.Body)
	if err != nil {
		return nil, err
	}
	h.Length = uint32(smpp.HeaderLen + len(body))
	if c.Length != nil {
		h.Length = *c.Length
	}
	if c.Status != nil {
		h.Status = smpp.Status(*c.Status)
	}
	if c.Sequence != nil {
		h.Sequence = *c.Sequence
	}
	rest, err := c.octets(c.Octets) // behind the PDU
	return append(append(h.Append(nil), body...), rest...), err
}

// commandNamed is submit_sm, or 0x00000004.
func commandNamed(name string) (smpp.CommandID, error) {
	if strings.HasPrefix(name, "0x") {
		id, err := strconv.ParseUint(name[2:], 16, 32)
		return smpp.CommandID(id), err
	}
	for id := smpp.CommandID(0); id <= smpp.CmdDataSM; id++ {
		for _, id := range []smpp.CommandID{id, id | smpp.CmdGenericNack} {
			if id.Known() && id.String() == name {
				return id, nil
			}
		}
	}
	return 0, fmt.Errorf("there is no PDU %q", name)
}

func TestOctetsOfMalformedInputAreWrittenAsPeopleReadThem(t *testing.T) {
	c := &malformed{door: "smpp", Name: "this", parts: map[string]string{"source": `01 01 "33" 00`}}
	got, err := c.octets(`00 {source} 2*FF 0A0b 2*"a\n"`)
	if want := "\x00\x01\x0133\x00\xff\xff\x0a\x0ba\na\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	for _, line := range []string{"0", "GG", `"a`, "{nothing}", "*00"} {
		if got, err := c.octets(line); err == nil {
			t.Errorf("%s is %q", line, got)
		}
	}
	length := uint32(3)
	c = &malformed{PDU: "unbind_resp", Body: "01", Length: &length}
	if got, err := c.sent(9); err != nil || !bytes.Equal(got, []byte{0, 0, 0, 3, 0x80, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 9, 1}) {
		t.Errorf("% x, %v", got, err)
	}
}
