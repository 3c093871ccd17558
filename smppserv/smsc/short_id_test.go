package smsc

import (
	"context"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// kept is a history of a few messages of alice, by their ids.
type kept struct {
	History
	version map[sms.ID]byte // that each was submitted in
}

func (k kept) KnownAs(_ context.Context, id sms.ID) ([]sms.ID, error) {
	if k.version[id] == 0 {
		return nil, nil
	}
	return []sms.ID{id}, nil
}

func (k kept) Get(_ context.Context, id sms.ID) (*sms.Message, error) {
	return &sms.Message{ID: id, Submitter: "alice", InterfaceVersion: k.version[id]}, nil
}

func TestDigitsThatA33ClientWasGivenAsAHexadecimalIDAreReadSo(t *testing.T) {
	const digits, asDecimal, asHex = "12345678", sms.ID(12345678), sms.ID(0x12345678)
	for _, c := range []struct {
		what           string
		decimal, other byte // versions, 0 = there is no such message
		hex            bool // message_id_format
		want           sms.ID
	}{
		{"both given so: the newer", smpp.V33, smpp.V33, false, asHex},
		{"the decimal one to a 3.4 session", smpp.V34, smpp.V33, false, asHex},
		{"the other to a 3.4 session, which has it in decimal", smpp.V34, smpp.V34, false, asDecimal},
		{"likewise, and the decimal one to a 3.3 session", smpp.V33, smpp.V50, false, asDecimal},
		{"only the decimal one", smpp.V33, 0, false, asDecimal},
		{"only the hexadecimal one", 0, smpp.V33, false, asHex},
		{"only one that was never given so", 0, smpp.V34, false, asHex}, // message_id_format may have been hex
		{"hexadecimal by configuration", smpp.V34, smpp.V34, true, asHex},
		{"none", 0, 0, false, 0},
	} {
		p := &peer{sv: &Server{o: Options{History: kept{version: map[sms.ID]byte{asDecimal: c.decimal, asHex: c.other}}}}}
		client := &Client{SystemID: "alice"}
		client.MessageIDHex = c.hex
		ms, err := p.own(t.Context(), client, digits)
		if c.want == 0 {
			if err != smpp.RINVMSGID {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil || len(ms) != 1 || ms[0].ID != c.want {
			t.Errorf("%s: %v, %v", c.what, ms, err)
		}
	}
}
