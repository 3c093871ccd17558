package smpp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// DecodeError says what of a PDU could not be read.
type DecodeError struct {
	Command CommandID
	Field   string // its name in the specification; "" when it is the whole body
	Status  Status // to answer with
	Reason  string
}

// Error reads "submit_sm.destination_addr: no terminator in 21 octets".
func (e *DecodeError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %s", e.Command, e.Reason)
	}
	return fmt.Sprintf("%s.%s: %s", e.Command, e.Field, e.Reason)
}

// Unwrap returns the status to answer with.
func (e *DecodeError) Unwrap() error { return e.Status }

// decoder walks the body of a request. It keeps its first error and returns zero values
// after it, so that a PDU's fields can be read one after the other unchecked.
type decoder struct {
	command CommandID
	rest    []byte
	first   *DecodeError
}

func (d *decoder) err() error {
	if d.first == nil {
		return nil
	}
	return d.first
}

func (d *decoder) fail(field string, s Status, reason string) {
	if d.first == nil {
		d.first = &DecodeError{Command: d.command, Field: field, Status: s, Reason: reason}
	}
	d.rest = nil
}

func (d *decoder) short(field string) {
	d.fail(field, RINVCMDLEN, "the body ends before or within it")
}

func (d *decoder) octet(field string) byte {
	if len(d.rest) == 0 {
		d.short(field)
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// take returns n octets that are known to be there. Its capacity ends with them, so that
// whoever appends to a field does not write into the next; no octets are nil.
func (d *decoder) take(n int) []byte {
	if n == 0 {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// cstring reads a C-octet string of at most max octets, its NUL included. One that is
// longer is refused with the field's own status s; where the body ends first it is the
// length that is wrong.
func (d *decoder) cstring(field string, max int, s Status) string {
	return d.cstringLike("", field, max, s)
}

// cstringLike is cstring, and returns before itself where that is what is there: who decodes many PDUs into one struct
// allocates only what differs.
func (d *decoder) cstringLike(before, field string, max int, s Status) string {
	end := bytes.IndexByte(d.rest[:min(len(d.rest), max)], 0)
	if end < 0 {
		if len(d.rest) >= max {
			d.fail(field, s, fmt.Sprintf("no terminator in %d octets", max))
		} else {
			d.short(field)
		}
		return ""
	}
	v := before
	if string(d.rest[:end]) != before {
		v = string(d.rest[:end])
	}
	d.rest = d.rest[end+1:]
	return v
}

func (d *decoder) address(field string, max int, s Status) Address {
	return d.addressLike("", field, max, s)
}

func (d *decoder) addressLike(before, field string, max int, s Status) Address {
	return Address{
		TON:  d.octet(field),
		NPI:  d.octet(field),
		Addr: d.cstringLike(before, field, max, s),
	}
}

// shortMessage reads sm_length and short_message.
func (d *decoder) shortMessage() []byte {
	n := int(d.octet("sm_length"))
	if n > 0 && len(d.rest) == 0 {
		d.short("short_message")
		return nil
	}
	if n > len(d.rest) {
		d.fail("short_message", RINVMSGLEN, fmt.Sprintf("sm_length %d, but %d octets left", n, len(d.rest)))
		return nil
	}
	return d.take(n)
}

// tlvsAfterText is tlvs for where short_message comes before. Some clients send the NUL
// of their C string behind it, which sm_length does not count. That one octet is skipped
// if it is 0, if the TLVs cannot be read with it, and if they can be read without it:
// a stream that is right as it stands is never read in any other way.
func (d *decoder) tlvsAfterText(dst TLVs) TLVs {
	if _, left := scanTLVs(d.rest); len(left) > 0 && d.rest[0] == 0 {
		if _, left = scanTLVs(d.rest[1:]); len(left) == 0 {
			d.rest = d.rest[1:]
		}
	}
	return d.tlvs(dst)
}

// tlvs reads the rest of the body as TLVs behind dst, and judges their lengths.
func (d *decoder) tlvs(dst TLVs) TLVs {
	n, left := scanTLVs(d.rest)
	if len(left) >= tlvHeaderLen {
		tag, length := tlvHeader(left)
		d.fail(tag.String(), RINVOPTPARSTREAM, fmt.Sprintf("length %d, but %d octets left", length, len(left)-tlvHeaderLen))
		return dst
	}
	if len(left) > 0 {
		d.fail("", RINVOPTPARSTREAM, fmt.Sprintf("%d octets left, too few for a TLV", len(left)))
		return dst
	}
	dst = d.takeTLVs(dst, n)
	for _, t := range dst {
		if known, ok := tags[t.Tag]; ok && (len(t.Value) < known.min || len(t.Value) > known.max) {
			d.fail(t.Tag.String(), RINVPARLEN, fmt.Sprintf("%d octets are not %d to %d", len(t.Value), known.min, known.max))
			break
		}
	}
	return dst
}

// takeTLVs reads n TLVs that are known to be there.
func (d *decoder) takeTLVs(dst TLVs, n int) TLVs {
	dst = slices.Grow(dst, n)
	for range n {
		tag, length := tlvHeader(d.rest)
		d.rest = d.rest[tlvHeaderLen:]
		dst = append(dst, TLV{Tag: tag, Value: d.take(length)})
	}
	return dst
}

// scanTLVs returns how many whole TLVs b starts with, and what is left behind them.
func scanTLVs(b []byte) (n int, left []byte) {
	for len(b) >= tlvHeaderLen {
		_, length := tlvHeader(b)
		if length > len(b)-tlvHeaderLen {
			break
		}
		b = b[tlvHeaderLen+length:]
		n++
	}
	return n, b
}

func tlvHeader(b []byte) (tag Tag, length int) {
	return Tag(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
}

// The lenient methods read responses. They never fail: a response cannot be refused,
// and peers put more and less behind its header than the specification says.

func (d *decoder) lenientOctet() byte {
	if len(d.rest) == 0 {
		return 0
	}
	return d.octet("")
}

func (d *decoder) lenientString() string {
	s, after, _ := bytes.Cut(d.rest, []byte{0})
	d.rest = after
	return string(s)
}

// lenientTLVs takes the whole TLVs and leaves what follows the last of them.
func (d *decoder) lenientTLVs(dst TLVs) TLVs {
	n, _ := scanTLVs(d.rest)
	return d.takeTLVs(dst, n)
}
