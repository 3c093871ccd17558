package smpp

import (
	"encoding/binary"
	"strings"
)

// Encoding never fails. It writes a string longer than its field as it is (the peer will
// refuse it), but keeps the PDU parseable: a string ends at its first NUL, and octets
// and lists end at what their length field can count.

func appendCString(dst []byte, s string) []byte {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return append(append(dst, s...), 0)
}

func appendAddress(dst []byte, a Address) []byte {
	return appendCString(append(dst, a.TON, a.NPI), a.Addr)
}

// appendShortMessage writes sm_length and short_message, at most 255 octets of it.
func appendShortMessage(dst, text []byte) []byte {
	text = text[:min(len(text), 0xFF)]
	return append(append(dst, byte(len(text))), text...)
}

// AppendTLVs encodes tlvs behind dst, as they stand in a PDU.
func AppendTLVs(dst []byte, tlvs TLVs) []byte {
	for _, t := range tlvs {
		v := t.Value[:min(len(t.Value), 0xFFFF)]
		dst = binary.BigEndian.AppendUint16(dst, uint16(t.Tag))
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(v)))
		dst = append(dst, v...)
	}
	return dst
}
