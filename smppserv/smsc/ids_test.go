package smsc

import (
	"slices"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestEveryMessageIDIsFoundAgainUnderTheFormItWasGivenIn(t *testing.T) {
	for _, id := range []sms.ID{1, 42, 0xABCDEF, 99_999_999, 100_000_000, 268_435_456, 0xFFFFFFFF} {
		for _, version := range []byte{smpp.V33, smpp.V34, smpp.V50} {
			for _, hex := range []bool{false, true} {
				s := formatID(id, version, hex)
				if version == smpp.V33 && len(s) > 8 {
					t.Errorf("%d is %q to a 3.3 session, longer than 8", id, s)
				}
				if !slices.Contains(parseID(s, hex), id) {
					t.Errorf("%q is not read back as %d", s, id)
				}
			}
		}
	}
	for _, s := range []string{"", "0", "-1", "x", "042", "00ab", "99999999999999999999999"} {
		if ids := parseID(s, false); len(ids) > 0 {
			t.Errorf("%q is read as %v", s, ids)
		}
	}
}
