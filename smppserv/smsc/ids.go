package smsc

import (
	"strconv"

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

// parseID reads a message_id that formatID wrote, in either form.
func parseID(s string, hex bool) (sms.ID, bool) {
	base := 10
	if hex {
		base = 16
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil && !hex {
		n, err = strconv.ParseUint(s, 16, 64) // given to a 3.3 session
	}
	return sms.ID(n), err == nil && n > 0
}
