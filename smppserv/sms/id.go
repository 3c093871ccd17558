package sms

import (
	"strconv"
	"strings"
)

// ID is a message_id: a number that rises, is never reused and is written in decimal digits without leading zeros.
type ID uint64

func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// maxShortID is the highest ID of eight decimal digits: a 3.3 client's message_id has no more characters (SMPP 3.3, 5.2.4).
const maxShortID = 99_999_999

// Format writes the ID as the client wants it: decimal, or hexadecimal.
// For 3.3 clients (short), IDs that do not fit eight digits are hexadecimal.
func (id ID) Format(hex, short bool) string {
	if hex || short && id > maxShortID {
		return strconv.FormatUint(uint64(id), 16)
	}
	return id.String()
}

// ParseID lists the IDs that s, written by Format, may stand for: one, but for digits alone, which may be a hexadecimal number too.
// Where that is one that a 3.3 client would have been given so, it comes first: it is the newer.
func ParseID(s string, hex bool) []ID {
	var ids []ID
	for _, base := range []int{10, 16} {
		if base == 10 && hex {
			continue
		}
		if n, err := strconv.ParseUint(s, base, 63); err == nil && n > 0 && strconv.FormatUint(n, base) == strings.ToLower(s) {
			ids = append(ids, ID(n))
		}
	}
	if len(ids) == 2 && ids[1] > maxShortID {
		ids[0], ids[1] = ids[1], ids[0]
	}
	return ids
}
