package smsc

import (
	"strconv"
	"strings"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// maxID33 is the highest id of eight decimal digits: a 3.3 client's message_id has no more characters (SMPP 3.3, 5.2.4).
const maxID33 = 99_999_999

// formatID writes a message_id as the client wants it: decimal or hexadecimal.
// To 3.3 sessions ids that do not fit eight digits are hexadecimal.
func formatID(id sms.ID, version byte, hex bool) string {
	if hex || version == smpp.V33 && id > maxID33 {
		return strconv.FormatUint(uint64(id), 16)
	}
	return id.String()
}

// parseID lists the messages that an id written by formatID may stand for: one, but for an id without letters,
// which a 3.3 session may have been given in hexadecimal.
func parseID(s string, hex bool) []sms.ID {
	var ids []sms.ID
	for _, base := range []int{10, 16} {
		if base == 10 && hex {
			continue
		}
		if n, err := strconv.ParseUint(s, base, 63); err == nil && n > 0 && strconv.FormatUint(n, base) == strings.ToLower(s) {
			ids = append(ids, sms.ID(n))
		}
	}
	return ids
}
