package smsc

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// judged requires what Hermès is told of a text for alice, "" = that it can be sent.
func (r *rig) judged(alphabet, text, want string) {
	r.t.Helper()
	got := ""
	if err := r.sv.Fits(&sms.Message{Recipient: "alice", Alphabet: alphabet, Content: []byte(text)}); err != nil {
		got = err.Error()
	}
	if got != want {
		r.t.Errorf("%d octets, alphabet %q: %q, want %q", len(text), alphabet, got, want)
	}
}

func TestHermesIsToldWhatItsClientCanNeverBeSent(t *testing.T) {
	const tooMany = "text: does not fit in 255 parts for client alice"
	long := strings.Repeat("x", 255*153+1)
	r := newRig(t, nil)
	r.judged("", "hello", "")
	r.judged("", long[1:], "")
	r.judged("", long, tooMany)
	r.judged("binary", long, "data: does not fit in 255 parts for client alice")
	r.judged("utf8", "é", "alphabet: utf8 has no data_coding for client alice")
	if err := r.sv.Fits(&sms.Message{Recipient: "gone", Content: []byte(long)}); err != nil {
		t.Error(err)
	}
}

// To a 3.3 session nothing goes out in message_payload.
func TestWhatFitsIsJudgedByTheSessionThatWillReceiveIt(t *testing.T) {
	const tooMany = "text: does not fit in 255 parts for client alice"
	long := strings.Repeat("x", 255*153+1)
	r := newRig(t, func(r *rig, _ *Options) { r.alice().LongMessages = translate.LongPayload })
	bind := func(kind smpp.CommandID, version byte) *smpptest.Client {
		c := r.dial()
		c.Bind(kind, "alice", "pw", version)
		return c
	}
	r.judged("", long, "") // it may bind with 3.4
	tx := bind(smpp.CmdBindTransmitter, smpp.V34)
	rx := bind(smpp.CmdBindReceiver, smpp.V33)
	tx.ExpectAlive()
	rx.ExpectAlive()
	r.judged("", long, tooMany)

	r = newRig(t, func(r *rig, _ *Options) {
		r.alice().LongMessages, r.alice().InterfaceVersion = translate.LongPayload, smpp.V33
	})
	r.judged("", long, tooMany)
}
