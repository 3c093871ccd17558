package conformance

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// The list's base vectors (its section 1.2). They keep the offsets of its fields: in a submit_sm from s0, esm_class is
// at 39, registered_delivery at 44, sm_length at 48, short_message at 49.

// bTX is bind_transmitter with sequence_number 1.
func bTX(a account) []byte { return bindVector(2, a) }

// bRX is bind_receiver with sequence_number 1.
func bRX(a account) []byte { return bindVector(1, a) }

// bTRX is bind_transceiver with sequence_number 1.
func bTRX(a account) []byte { return bindVector(9, a) }

func bindVector(command uint32, a account) []byte {
	return vector(command, 1, cstring(a.SystemID), cstring(a.Password), octets("00 34 01 01 00"))
}

// s0 is submit_sm of "hello" from 1000 to 447700900001.
func s0(seq uint32) []byte { return s0To(seq, "447700900001") }

// s0To is s0 to another number. Fields after destination_addr move when it has not 12 digits.
func s0To(seq uint32, dest string) []byte { return s0Between(seq, "1000", dest) }

// s0Between is s0 between other numbers. With a source of 4 and a destination of 12 digits all offsets are s0's.
func s0Between(seq uint32, source, dest string) []byte {
	return vector(4, seq, octets("00 0101"), cstring(source), octets("0101"), cstring(dest),
		octets("00 00 00 00 00 00 00 00 00 05 68656c6c6f"))
}

// m0 is submit_multi of "hello" from 1000 to 447700900001 and 447700900002.
func m0(seq uint32) []byte {
	return vector(0x21, seq, octets("00 0101"), cstring("1000"), octets("02"),
		octets("01 0101"), cstring("447700900001"), octets("01 0101"), cstring("447700900002"),
		octets("00 00 00 00 00 00 00 00 00 05 68656c6c6f"))
}

// d0 is data_sm of "hello" from 1000 to 447700900001.
func d0(seq uint32) []byte {
	return vector(0x103, seq, octets("00 0101"), cstring("1000"), octets("0101"), cstring("447700900001"),
		octets("00 00 00 0424 0005 68656c6c6f"))
}

// q0 is query_sm for a message from source.
func q0(seq uint32, id, source string) []byte {
	return vector(3, seq, cstring(id), octets("0101"), cstring(source))
}

// c0 is cancel_sm for a message from source to dest; either may be empty, its TON and NPI are then 0.
func c0(seq uint32, id, source, dest string) []byte {
	b := vector(8, seq, octets("00"), cstring(id), octets("0101"), cstring(source))
	if dest == "" {
		return join(b, octets("0000 00"))
	}
	return join(b, octets("0101"), cstring(dest))
}

// r0 is replace_sm by "HELLO" for a message from source.
func r0(seq uint32, id, source string) []byte {
	return vector(7, seq, cstring(id), octets("0101"), cstring(source), octets("00 00 00 00 05 48454c4c4f"))
}

// e0 is enquire_link.
func e0(seq uint32) []byte { return vector(0x15, seq) }

// u0 is unbind.
func u0(seq uint32) []byte { return vector(6, seq) }

// vector is a PDU of any command_id, with command_status 0 and the command_length of its body's parts.
func vector(command, seq uint32, parts ...[]byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 4, 64), command)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, seq)
	return join(b, parts...)
}

// patch returns b with other octets from an offset on; command_length stays that of b.
func patch(b []byte, offset int, with ...byte) []byte {
	b = append([]byte(nil), b...)
	copy(b[offset:offset+len(with)], with)
	return b
}

// insert returns b with the octets from..to replaced by others, and the command_length that it then has.
func insert(b []byte, from, to int, with ...byte) []byte {
	return join(b[:from:from], with, b[to:])
}

// cut returns the first n octets of b, with n as their command_length.
func cut(b []byte, n int) []byte { return join(b[:n:n]) }

// withTLV appends an optional parameter.
func withTLV(b []byte, tag uint16, value ...byte) []byte {
	tlv := binary.BigEndian.AppendUint16(nil, tag)
	tlv = binary.BigEndian.AppendUint16(tlv, uint16(len(value)))
	return join(b, tlv, value)
}

// withLength returns b with a command_length that may not be its own.
func withLength(b []byte, length uint32) []byte {
	return patch(b, 0, binary.BigEndian.AppendUint32(nil, length)...)
}

// withSeq returns b with another sequence_number.
func withSeq(b []byte, seq uint32) []byte {
	return patch(b, 12, binary.BigEndian.AppendUint32(nil, seq)...)
}

// join appends parts to a PDU and sets its command_length.
func join(b []byte, parts ...[]byte) []byte {
	b = append([]byte(nil), b...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// together is one write of several PDUs.
func together(pdus ...[]byte) (all []byte) {
	for _, p := range pdus {
		all = append(all, p...)
	}
	return all
}

func cstring(s string) []byte { return append([]byte(s), 0) }

// octets reads hexadecimal digits; blanks do not count.
func octets(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
