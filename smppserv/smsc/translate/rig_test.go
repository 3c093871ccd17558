package translate

import (
	"errors"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// now has no whole tenths of a second, which are what times on the wire have, and no whole milliseconds, which are what is kept.
var now = time.Date(2026, 3, 1, 12, 0, 0, 250_000_400, time.UTC)

var versions = []byte{smpp.V33, smpp.V34, smpp.V50}

// esme is a client with default settings.
func esme(version byte) ESME {
	return ESME{Profile: &Profile{}, Texts: &Texts{Validity: time.Hour}, Version: version}
}

func submitSM(change func(*smpp.SubmitSM)) *smpp.SubmitSM {
	r := &smpp.SubmitSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: "491701234567"}, Dest: smpp.Address{TON: 3, NPI: 9, Addr: "12345"},
		ShortMessage: []byte("text")}
	if change != nil {
		change(r)
	}
	return r
}

// read is what a submit_sm means to the client.
func (e ESME) read(r *smpp.SubmitSM) (*sms.Message, error) {
	m := &sms.Message{}
	if err := e.CheckSubmit(r); err != nil {
		return m, err
	}
	return m, e.Submit(m, smpp.CmdSubmitSM, r, now)
}

// mustRead is read for what nothing is wrong with.
func (e ESME) mustRead(t *testing.T, r *smpp.SubmitSM) *sms.Message {
	t.Helper()
	m, err := e.read(r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// expectStatus compares the status in err, ROK for nil.
func expectStatus(t *testing.T, err error, want smpp.Status) {
	t.Helper()
	got := smpp.ROK
	if err != nil && !errors.As(err, &got) {
		t.Errorf("error %v has no status, want %v", err, want)
	} else if got != want {
		t.Errorf("status %v, want %v", got, want)
	}
}
