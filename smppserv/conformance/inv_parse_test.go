package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// What follows reads PDUs without pkg/smpp, whose errors it is to find.

const nackID = 0x80000000

// A wirePDU is one PDU of a recording.
type wirePDU struct {
	fromServer           bool
	at                   time.Time // when its last octet came
	command, status, seq uint32
	body                 []byte
	broken               bool // its command_length cannot be, or its end never came: nothing can follow
}

func (p wirePDU) String() string { return fmt.Sprintf("command %#08x seq %#x", p.command, p.seq) }

func (p wirePDU) isResponse() bool { return p.command&nackID != 0 }

// hasResponse tells whether SMPP has an answer for the request.
func (p wirePDU) hasResponse() bool { return p.command != 0x0B && p.command != 0x102 }

// transaction tells whether a submit_sm or data_sm asks to be answered when the outcome is known.
func (p wirePDU) transaction() bool {
	if p.command != 0x04 && p.command != 0x103 {
		return false
	}
	r := fieldReader{rest: p.body}
	r.cstring()
	r.octets(2)
	r.cstring()
	r.octets(2)
	r.cstring()
	mode := r.octets(1)
	return r.fault == "" && mode[0]&3 == 2
}

// pdusOf cuts both directions of a recording into PDUs, in the order in which they were whole.
func pdusOf(r *recording) (pdus []wirePDU) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var pending [2][]byte
	var lost [2]bool
	for _, e := range r.events {
		side := 0
		if e.fromServer {
			side = 1
		}
		if lost[side] {
			continue
		}
		rest := append(pending[side], e.octets...)
		for len(rest) >= 4 && !lost[side] {
			length := binary.BigEndian.Uint32(rest)
			if length < 16 || length > 70_000 {
				lost[side] = true
				pdus = append(pdus, header(e, append(rest, make([]byte, 16)...)[:16], true))
				break
			}
			if len(rest) < int(length) {
				break
			}
			pdus = append(pdus, header(e, rest[:length], false))
			rest = rest[length:]
		}
		pending[side] = rest
	}
	return pdus
}

func header(e recorded, b []byte, broken bool) wirePDU {
	u := binary.BigEndian.Uint32
	return wirePDU{e.fromServer, e.at, u(b[4:]), u(b[8:]), u(b[12:]), b[16:], broken}
}

// versionTracker knows the interface_version with which a connection is bound.
type versionTracker struct {
	version byte // 0 while it is not bound
	asked   byte
}

func (v *versionTracker) see(p wirePDU) {
	switch p.command {
	case 1, 2, 9:
		r := fieldReader{rest: p.body}
		for range 3 {
			r.cstring()
		}
		if b := r.octets(1); r.fault == "" && !p.fromServer {
			v.asked = max(b[0], 1)
		}
	case nackID | 1, nackID | 2, nackID | 9:
		if p.fromServer && p.status == 0 {
			v.version = v.asked
		}
	}
}

// fieldReader reads a body and keeps its first fault.
type fieldReader struct {
	rest  []byte
	fault string
}

func (r *fieldReader) octets(n int) []byte {
	if len(r.rest) < n {
		if r.fault == "" {
			r.fault = "the body ends too early"
		}
		r.rest = nil
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *fieldReader) cstring() []byte {
	i := bytes.IndexByte(r.rest, 0)
	if i < 0 {
		if r.fault == "" {
			r.fault = "a string has no end"
		}
		r.rest = nil
		return nil
	}
	s := r.rest[:i]
	r.rest = r.rest[i+1:]
	return s
}

// bounded reads a string of at most size octets, its NUL included.
func (r *fieldReader) bounded(name string, size int) []byte {
	s := r.cstring()
	if len(s)+1 > size && r.fault == "" {
		r.fault = fmt.Sprintf("%s has %d octets, more than %d", name, len(s)+1, size)
	}
	return s
}

func (r *fieldReader) address(name string, size int) {
	r.octets(2)
	r.bounded(name, size)
}

// bodyFaults judges the body of a PDU of the server.
func bodyFaults(p wirePDU, version byte) []string {
	r := &fieldReader{rest: p.body}
	var faults []string
	switch p.command {
	case 0x15, 0x06, nackID | 0x15, nackID | 0x05, nackID | 0x06, nackID | 0x07, nackID | 0x08, nackID:
		if len(p.body) > 0 {
			faults = append(faults, fmt.Sprintf("%d octets of body", len(p.body)))
		}
		return faults
	case 0x05:
		faults = append(faults, r.deliver()...)
	case 0x103:
		r.bounded("service_type", 6)
		r.address("source_addr", 65)
		r.address("destination_addr", 65)
		r.octets(3)
	case 0x102:
		r.address("source_addr", 65)
		r.address("esme_addr", 65)
	case 0x0B:
		r.bounded("system_id", 16)
		r.bounded("password", 9)
	case nackID | 1, nackID | 2, nackID | 9:
		if len(p.body) == 0 {
			return nil
		}
		r.bounded("system_id", 16)
	case nackID | 4, nackID | 0x103:
		if len(p.body) == 0 {
			return nil
		}
		if id := r.bounded("message_id", 65); version <= 0x33 && len(id) > 8 {
			faults = append(faults, fmt.Sprintf("message_id %q has more than 8 characters", id))
		}
	case nackID | 3, nackID | 0x21:
		return nil // their rows judge them
	default:
		return []string{"it is no PDU that a message centre sends"}
	}
	faults = append(faults, r.tlvs(version)...)
	if r.fault != "" {
		faults = append(faults, r.fault)
	}
	return faults
}

// deliver reads deliver_sm up to its optional parameters (3.4, 4.6.1).
func (r *fieldReader) deliver() (faults []string) {
	r.bounded("service_type", 6)
	r.address("source_addr", 21)
	r.address("destination_addr", 21)
	r.octets(3)
	scheduled := r.bounded("schedule_delivery_time", 1)
	validity := r.bounded("validity_period", 1)
	r.octets(1)
	replace := r.octets(1)[0]
	r.octets(1)
	canned := r.octets(1)[0]
	if len(scheduled)+len(validity) > 0 || replace != 0 || canned != 0 {
		faults = append(faults, "a field that deliver_sm does not use is not NULL")
	}
	length := int(r.octets(1)[0])
	if length > 254 {
		faults = append(faults, "sm_length is 255")
	}
	r.octets(length)
	return faults
}

// tags34 are the optional parameters of 3.4, 5.3.2.
var tags34 = map[uint16]bool{
	0x0005: true, 0x0006: true, 0x0007: true, 0x0008: true, 0x000D: true, 0x000E: true, 0x000F: true, 0x0010: true,
	0x0017: true, 0x0019: true, 0x001D: true, 0x001E: true, 0x0030: true, 0x0201: true, 0x0202: true, 0x0203: true,
	0x0204: true, 0x0205: true, 0x020A: true, 0x020B: true, 0x020C: true, 0x020D: true, 0x020E: true, 0x020F: true,
	0x0210: true, 0x0302: true, 0x0303: true, 0x0304: true, 0x0381: true, 0x0420: true, 0x0421: true, 0x0422: true,
	0x0423: true, 0x0424: true, 0x0425: true, 0x0426: true, 0x0427: true, 0x0501: true, 0x1201: true, 0x1203: true,
	0x1204: true, 0x130C: true, 0x1380: true, 0x1383: true,
}

// only50 tells the optional parameters that 5.0 added (4.8.4): congestion_state and the 0x06 family.
func only50(tag uint16) bool { return tag == 0x0428 || tag >= 0x0600 && tag <= 0x0613 }

// tlvs reads optional parameters to the body's end.
func (r *fieldReader) tlvs(version byte) (faults []string) {
	for len(r.rest) > 0 && r.fault == "" {
		head := r.octets(4)
		tag, length := binary.BigEndian.Uint16(head), int(binary.BigEndian.Uint16(head[2:]))
		r.octets(length)
		switch {
		case version <= 0x33:
			faults = append(faults, fmt.Sprintf("TLV %#04x to a session of version %#x", tag, version))
		case tags34[tag] || version >= 0x50 && only50(tag):
		default:
			faults = append(faults, fmt.Sprintf("TLV %#04x, which version %#x does not know", tag, version))
		}
	}
	return faults
}
