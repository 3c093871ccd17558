package sms

import (
	"strings"
	"testing"
	"time"
)

func TestAnIDIsWrittenInDecimal(t *testing.T) {
	for id, want := range map[ID]string{0: "0", 7: "7", 1042: "1042", 1<<64 - 1: "18446744073709551615"} {
		if got := id.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStatesHaveTheNamesOfTheSpecification(t *testing.T) {
	for s, want := range map[State]string{Scheduled: "SCHEDULED", Enroute: "ENROUTE", Delivered: "DELIVERED", Expired: "EXPIRED",
		Deleted: "DELETED", Undeliverable: "UNDELIVERABLE", Accepted: "ACCEPTED", Unknown: "UNKNOWN", Rejected: "REJECTED", 77: "UNKNOWN"} {
		if got := s.String(); got != want {
			t.Errorf("state %d is %q, want %q", s, got, want)
		}
	}
}

func TestAFinalStateIsNeverLeft(t *testing.T) {
	for s := Scheduled; s <= Rejected; s++ {
		for next := Scheduled; next <= Rejected; next++ {
			want := (s == Scheduled || s == Enroute) && next != Scheduled
			if got := s.CanBecome(next); got != want {
				t.Errorf("%v to %v: %v", s, next, got)
			}
		}
	}
}

func TestAnOutcomeLeadsToItsState(t *testing.T) {
	for _, test := range []struct {
		o    Outcome
		want State
	}{
		{Outcome{}, Delivered},
		{Outcome{Verdict: TryAgain}, Enroute},
		{Outcome{Verdict: Returned}, Enroute},
		{Outcome{Verdict: Failed}, Undeliverable},
		{Outcome{Verdict: Failed, State: Rejected}, Rejected},
		{Outcome{Verdict: Failed, State: Expired}, Expired},
	} {
		if got := test.o.FinalState(); got != test.want {
			t.Errorf("%+v leads to %v, want %v", test.o, got, test.want)
		}
	}
}

func TestReceiptsAreOwedAsRegisteredDeliveryAsks(t *testing.T) {
	for _, test := range []struct {
		registered, esmClass byte
		kind                 Kind
		success, failure     bool
	}{
		{0x00, 0x00, KindText, false, false},
		{0x01, 0x00, KindText, true, true},
		{0x02, 0x00, KindText, false, true},
		{0x03, 0x00, KindText, true, false},
		{0x11, 0xC3, KindText, true, true}, // intermediate; store and forward, UDHI and reply path
		{0x10, 0x00, KindText, false, false},
		{0x01, 0x01, KindText, false, false}, // datagram
		{0x01, 0x02, KindText, false, false}, // transaction: the response tells
		{0x01, 0x04, KindText, false, false}, // a receipt
		{0x01, 0x08, KindText, false, false}, // delivery acknowledgement
		{0x01, 0x10, KindText, false, false}, // manual acknowledgement
		{0x01, 0x00, KindReceipt, false, false},
		{0x01, 0x00, KindIntermediate, false, false},
	} {
		m := &Message{Kind: test.kind, Submitter: "esme", RegisteredDelivery: test.registered, ESMClass: test.esmClass}
		if got := m.OwesReceipt(Delivered, false); got != test.success {
			t.Errorf("%+v, delivered: %v", test, got)
		}
		for _, s := range []State{Expired, Deleted, Undeliverable, Rejected} {
			if got := m.OwesReceipt(s, false); got != test.failure {
				t.Errorf("%+v, %v: %v", test, s, got)
			}
		}
	}
}

func TestIntermediateNotificationsAreOwedWhenAskedFor(t *testing.T) {
	for _, test := range []struct {
		m    Message
		want bool
	}{
		{Message{RegisteredDelivery: 0x10}, true},
		{Message{RegisteredDelivery: 0x0F}, false},
		{Message{RegisteredDelivery: 0x10, ESMClass: 0x01}, false},
		{Message{RegisteredDelivery: 0x10, ESMClass: 0x08}, false},
		{Message{RegisteredDelivery: 0x10, Kind: KindReceipt}, false},
	} {
		test.m.Submitter = "esme"
		if got := test.m.OwesIntermediate(true); got != test.want {
			t.Errorf("%+v: %v", test.m, got)
		}
	}
}

func TestAnAlertIsOwedForWhatCouldNotBeDeliveredAtFirst(t *testing.T) {
	expired, refused, once := Outcome{Verdict: Failed, State: Expired}, Outcome{Verdict: Failed}, Outcome{Verdict: Failed, Temporary: true}
	cancelled := Outcome{Verdict: Failed, State: Deleted}
	for _, test := range []struct {
		m    Message
		o    Outcome
		late bool
		want bool
	}{
		{Message{SetDPF: true}, Outcome{}, true, true},
		{Message{SetDPF: true}, Outcome{}, false, false},
		{Message{}, Outcome{}, true, false},
		{Message{SetDPF: true}, expired, false, true},
		{Message{}, expired, false, false},
		{Message{SetDPF: true}, refused, true, false},
		{Message{SetDPF: true}, once, false, true},
		{Message{SetDPF: true}, cancelled, true, false},
		{Message{SetDPF: true, ESMClass: 0x02}, cancelled, false, true}, // the answer told of it
		{Message{Kind: KindDPF}, Outcome{}, false, true},
		{Message{Kind: KindDPF}, expired, false, false},
	} {
		test.m.Submitter = "esme"
		if got := test.m.OwesAlert(test.o.FinalState(), test.o, test.late); got != test.want {
			t.Errorf("%+v, %+v, late %v: %v", test.m, test.o, test.late, got)
		}
	}
}

func TestOnlyAClientsDatagramsAndTransactionsAreTriedOnce(t *testing.T) {
	for _, test := range []struct {
		m    Message
		want bool
	}{
		{Message{Submitter: "admin", ESMClass: 0x01}, true},
		{Message{Submitter: "admin", ESMClass: 0x41}, true},
		{Message{Submitter: "admin", ESMClass: 0x02}, true},
		{Message{Submitter: Hermes, ESMClass: 0x01}, false},
	} {
		if got := test.m.SingleAttempt(); got != test.want {
			t.Errorf("%+v: %v", test.m, got)
		}
	}
}

func TestAMessageBelongsToItsClient(t *testing.T) {
	fromClient := &Message{Submitter: "admin", Recipient: Hermes}
	fromHermes := &Message{Submitter: Hermes, Recipient: "admin"}
	between := &Message{Submitter: "admin", Recipient: "other"}
	receipt := &Message{Kind: KindReceipt, Submitter: Hermes, Recipient: "admin"}
	for _, m := range []*Message{fromClient, fromHermes, between, receipt} {
		if m.Owner() != "admin" {
			t.Errorf("%+v belongs to %q", m, m.Owner())
		}
		if got := m.FromHermes(); got != (m == fromHermes) {
			t.Errorf("%+v is from Hermès: %v", m, got)
		}
	}
}

func TestAReceiptGoesBackAndTellsOfItsMessage(t *testing.T) {
	received := time.Now().Add(-time.Minute)
	m := &Message{ID: 7, Submitter: "admin", Recipient: Hermes, Source: Address{1, 1, "336"}, Dest: Address{0, 1, "3600"},
		RegisteredDelivery: 1, Alphabet: "gsm7", Content: []byte(strings.Repeat("x", 100)), ReceivedAt: received, ExternalID: "h-1"}
	now := time.Now()
	r := NewReceipt(KindReceipt, m, Undeliverable, 404, now, time.Hour)
	want := Receipt{Of: 7, State: Undeliverable, Error: 404, SubmittedAt: received, DoneAt: now, ExternalID: "h-1"}
	switch {
	case *r.Receipt != want:
		t.Errorf("it says %+v, want %+v", *r.Receipt, want)
	case r.Submitter != Hermes || r.Recipient != "admin" || r.Source != m.Dest || r.Dest != m.Source:
		t.Errorf("it goes the wrong way: %+v", r)
	case r.State != Enroute || !r.ReceivedAt.Equal(now) || !r.DueAt.Equal(now) || !r.ExpiresAt.Equal(now.Add(time.Hour)):
		t.Errorf("its times are %+v", r)
	case len(r.Content) != HeadOctets || r.ExternalID != "" || r.RegisteredDelivery != 0:
		t.Errorf("it has %+v", r)
	}
}

func TestAKeyIsTheIDAndTheFirstStoring(t *testing.T) {
	m := &Message{ID: 1042, StoredAt: time.UnixMilli(1_795_485_151_200)}
	if got, want := m.Key(), "1042-mwu1i19c"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
	m.ReceivedAt = m.StoredAt.Add(time.Hour) // replaced
	if got := m.Key(); got != "1042-mwu1i19c" {
		t.Errorf("a replacement moves it to %q", got)
	}
	if got := (&Message{ID: 1042, ReceivedAt: m.ReceivedAt}).Key(); got != "1042" {
		t.Errorf("of an earlier version's row it is %q", got)
	}
	if m.PushKey = "1040-mwu1i19c"; m.Key() != m.PushKey {
		t.Errorf("of a part that was tried it is %q", m.Key())
	}
}
