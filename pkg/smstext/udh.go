package smstext

import (
	"errors"
	"fmt"
)

// Information element identifiers; 23.040 9.2.3.24.
const (
	IEIConcat8  = 0x00 // 9.2.3.24.1: ref, total, seq
	IEIPorts8   = 0x04 // 9.2.3.24.3: destination, source
	IEIPorts16  = 0x05 // 9.2.3.24.4
	IEIConcat16 = 0x08 // 9.2.3.24.8: ref (2 octets), total, seq

	IEISingleShift  = 0x24 // 9.2.3.24.15: language
	IEILockingShift = 0x25 // 9.2.3.24.16: language
)

// UDH is a user data header: its elements, in their order.
type UDH []Element

// Element is an information element. Data is at most 255 octets.
type Element struct {
	IEI  byte
	Data []byte
}

// ParseUDH takes the header off user data whose UDHI is set. Header and payload
// share the octets of userData. On error there is neither.
func ParseUDH(userData []byte) (h UDH, payload []byte, err error) {
	if len(userData) == 0 {
		return nil, nil, errors.New("user data header: no user data")
	}
	length, rest := int(userData[0]), userData[1:]
	if length > len(rest) {
		return nil, nil, fmt.Errorf("user data header: length %d, but %d octets follow", length, len(rest))
	}
	elements, payload := rest[:length:length], rest[length:]
	for len(elements) > 0 {
		if len(elements) == 1 {
			return nil, nil, fmt.Errorf("user data header: element 0x%02X has no length", elements[0])
		}
		iei, n := elements[0], int(elements[1])
		if n > len(elements)-2 {
			return nil, nil, fmt.Errorf("user data header: element 0x%02X has length %d, but %d octets are left", iei, n, len(elements)-2)
		}
		h = append(h, Element{IEI: iei, Data: elements[2 : 2+n : 2+n]})
		elements = elements[2+n:]
	}
	return h, payload, nil
}

// Append writes the header with its length octet. A header of more than
// 255 octets, or an element of more, is an error; dst is then returned as it was.
func (h UDH) Append(dst []byte) ([]byte, error) {
	length := 0
	for _, e := range h {
		length += 2 + len(e.Data)
	}
	if length > 255 {
		return dst, fmt.Errorf("user data header: %d octets, 255 is the most", length)
	}
	dst = append(dst, byte(length))
	for _, e := range h {
		dst = append(dst, e.IEI, byte(len(e.Data)))
		dst = append(dst, e.Data...)
	}
	return dst, nil
}

// Find gives the data of the last element with that identifier: of elements
// that may not repeat, the last one counts (23.040 9.2.3.24).
func (h UDH) Find(iei byte) (data []byte, ok bool) {
	for _, e := range h {
		if e.IEI == iei {
			data, ok = e.Data, true
		}
	}
	return data, ok
}
