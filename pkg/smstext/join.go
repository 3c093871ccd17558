package smstext

import "slices"

// Join reads the text of a message from its parts, which are in order and
// without their headers. The parts are joined as octets and then decoded:
// clients cut escape and surrogate pairs in two. Parts that never came are
// left out by the caller.
func Join(a Alphabet, parts [][]byte) string { return JoinBehind(a, parts, 0) }

// JoinBehind is Join for parts that each stood behind a header of so many
// octets, which packed septets are aligned to.
func JoinBehind(a Alphabet, parts [][]byte, headerOctets int) string {
	if a == GSM7Packed {
		return JoinPacked(parts, FillBits(headerOctets))
	}
	if len(parts) == 1 {
		return Decode(a, parts[0])
	}
	return Decode(a, slices.Concat(parts...))
}

// JoinPacked is Join for packed septets that follow fillBits bits in each part
// (see FillBits). Each part is unpacked, then the septets are joined and decoded.
//
// Some clients (go-smpp is one) pack the whole text and cut that, so that
// a part ends inside a septet. The bits after the last whole septet of a part
// tell: they are zero unless they begin another one.
func JoinPacked(parts [][]byte, fillBits int) string {
	if len(parts) == 0 {
		return ""
	}
	inner, last := parts[:len(parts)-1], parts[len(parts)-1]
	if slices.ContainsFunc(inner, func(p []byte) bool { return spareBits(p, fillBits) != 0 }) {
		return DecodePacked(slices.Concat(parts...), -1, 0)
	}
	var septets []byte
	for _, p := range inner {
		septets = append(septets, unpackInner(p, fillBits)...)
	}
	return decodeGSM(append(septets, Unpack(last, -1, fillBits)...))
}
