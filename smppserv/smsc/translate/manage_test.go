package translate

import (
	"reflect"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

func TestAQueryTellsTheState(t *testing.T) {
	final := time.Date(2026, 2, 28, 23, 59, 58, 700_000_000, time.UTC)
	for _, tc := range []struct {
		name    string
		version byte
		m       sms.Message
		want    smpp.QuerySMResp
	}{
		{"under way", smpp.V50, sms.Message{State: sms.Enroute, DueAt: now}, smpp.QuerySMResp{State: smpp.StateEnroute}},
		{"not due yet", smpp.V50, sms.Message{State: sms.Enroute, DueAt: now.Add(1)}, smpp.QuerySMResp{State: smpp.StateScheduled}},
		{"not due yet, in 3.4", smpp.V34, sms.Message{State: sms.Enroute, DueAt: now.Add(1)}, smpp.QuerySMResp{State: smpp.StateEnroute}},
		{"to be tried again", smpp.V50, sms.Message{State: sms.Enroute, DueAt: now.Add(1), Attempts: 1}, smpp.QuerySMResp{State: smpp.StateEnroute}},
		{"delivered", smpp.V34, sms.Message{State: sms.Delivered, FinalAt: final}, smpp.QuerySMResp{State: smpp.StateDelivered, FinalDate: "260228235958700+"}},
		{"cancelled before it was due", smpp.V50, sms.Message{State: sms.Deleted, FinalAt: final, DueAt: now.Add(1)},
			smpp.QuerySMResp{State: smpp.StateDeleted, FinalDate: "260228235958700+"}},
		{"error 255", smpp.V34, sms.Message{State: sms.Undeliverable, FinalAt: final, Error: 255},
			smpp.QuerySMResp{State: smpp.StateUndeliverable, FinalDate: "260228235958700+", ErrorCode: 255}},
		{"error 256", smpp.V34, sms.Message{State: sms.Rejected, FinalAt: final, Error: 256},
			smpp.QuerySMResp{State: smpp.StateRejected, FinalDate: "260228235958700+", ErrorCode: 255}},
		{"an error that is not the last word", smpp.V34, sms.Message{State: sms.Enroute, Error: 8}, smpp.QuerySMResp{State: smpp.StateEnroute}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.MessageID = "2a"
			if got := esme(tc.version).QueryResp(&tc.m, "2a", now); *got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestAReplaceIsJudgedAtItsBounds(t *testing.T) {
	for _, tc := range []struct {
		name          string
		r             smpp.ReplaceSM
		want34, want5 smpp.Status
	}{
		{"254 octets", smpp.ReplaceSM{ShortMessage: make([]byte, 254)}, smpp.ROK, smpp.ROK},
		{"255 octets", smpp.ReplaceSM{ShortMessage: make([]byte, 255)}, smpp.RINVMSGLEN, smpp.ROK},
		{"a payload", smpp.ReplaceSM{TLVs: payloadOf("p")}, smpp.ROPTPARNOTALLWD, smpp.ROK},
		{"as much as the centre takes", smpp.ReplaceSM{TLVs: payloadOf(string(make([]byte, 300)))}, smpp.ROPTPARNOTALLWD, smpp.ROK},
		{"more than that", smpp.ReplaceSM{TLVs: payloadOf(string(make([]byte, 301)))}, smpp.ROPTPARNOTALLWD, smpp.RINVMSGLEN},
		{"receipt on success", smpp.ReplaceSM{RegisteredDelivery: 3}, smpp.RINVREGDLVFLG, smpp.ROK},
		{"reserved bit", smpp.ReplaceSM{RegisteredDelivery: 0x20}, smpp.RINVREGDLVFLG, smpp.RINVREGDLVFLG},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, version := range versions {
				e, want := esme(version), tc.want34
				e.MaxOctets = 300
				if version == smpp.V50 {
					want = tc.want5
				}
				expectStatus(t, e.CheckReplace(&tc.r), want)
				if want != smpp.RINVREGDLVFLG {
					expectStatus(t, e.Replace(&sms.Message{}, &tc.r, now), want)
				}
			}
		})
	}
}

// waiting is a message that was submitted an hour ago.
func waiting() sms.Message {
	return sms.Message{
		ID: 7, Submitter: "alice", ServiceType: "CMT", ESMClass: smpp.ESMReplyPath | smpp.ESMUDHI, Priority: 2, RegisteredDelivery: 1, DataCoding: 3,
		Alphabet: "latin1", Content: []byte("\x00old"), TLVs: []byte{2, 4, 0, 2, 1, 2}, State: sms.Enroute,
		ReceivedAt: now.Add(-time.Hour), DueAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour),
	}
}

func TestAReplaceWritesWhatItNamesAndKeepsTheRest(t *testing.T) {
	text := []byte("new")
	m, want := waiting(), waiting()
	if err := esme(smpp.V34).Replace(&m, &smpp.ReplaceSM{ShortMessage: text, RegisteredDelivery: 2}, now); err != nil {
		t.Fatal(err)
	}
	clear(text) // it is the PDU's
	want.Content, want.RegisteredDelivery, want.ReceivedAt, want.ESMClass = []byte("new"), 2, now, smpp.ESMReplyPath
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	m = waiting()
	err := esme(smpp.V50).Replace(&m, &smpp.ReplaceSM{ShortMessage: []byte("short"), TLVs: payloadOf("payload")}, now)
	if err != nil || string(m.Content) != "payload" {
		t.Errorf("%q, %v", m.Content, err)
	}
}

func TestAReplacesTextIsInTheMessagesAlphabetUnlessItIsCanned(t *testing.T) {
	for _, tc := range []struct {
		name     string
		dcs      byte
		id       byte
		text     string
		dflt     smstext.Alphabet
		want     string
		wantDCS  byte
		alphabet string
		err      smpp.Status
	}{
		{"kept", 3, 0, "\xE9", smstext.GSM7, "\xE9", 3, "latin1", smpp.ROK},
		{"even UCS-2", 8, 0, "ab", smstext.GSM7, "ab", 8, "latin1", smpp.ROK},
		{"odd UCS-2", 8, 0, "abc", smstext.GSM7, "", 0, "", smpp.RINVMSGLEN},
		{"odd in another alphabet", 3, 0, "abc", smstext.GSM7, "abc", 3, "latin1", smpp.ROK},
		{"canned in GSM", 3, 1, "", smstext.GSM7, "\x00", 0, "gsm7", smpp.ROK},
		{"canned in the client's own", 3, 1, "", smstext.UTF8, "@", 0, "utf8", smpp.ROK},
		{"canned in the same data_coding", 0, 1, "", smstext.GSM7, "\x00", 0, "gsm7", smpp.ROK},
		{"canned in UCS-2", 3, 2, "", smstext.GSM7, "\x04\x1F", 8, "ucs2", smpp.ROK},
		{"written besides", 3, 1, "new", smstext.GSM7, "new", 3, "latin1", smpp.ROK},
		{"canned, but there is none", 3, 3, "", smstext.GSM7, "", 0, "", smpp.RINVDFTMSGID},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := esme(smpp.V34)
			e.DefaultAlphabet, e.Canned = tc.dflt, map[byte]string{1: "@", 2: "П"}
			m := waiting()
			m.DataCoding = tc.dcs
			err := e.Replace(&m, &smpp.ReplaceSM{DefaultMsgID: tc.id, ShortMessage: []byte(tc.text)}, now)
			if expectStatus(t, err, tc.err); err == nil && (string(m.Content) != tc.want || m.DataCoding != tc.wantDCS || m.Alphabet != tc.alphabet) {
				t.Errorf("%q, data_coding %d, %s", m.Content, m.DataCoding, m.Alphabet)
			}
		})
	}
}

func TestAReplacesTimesAreJudgedTogetherWithThoseThatAreKept(t *testing.T) {
	base := now.Truncate(tenth)
	in := func(d time.Duration) time.Time { return base.Add(d) }
	for _, tc := range []struct {
		name                string
		attempts            int
		due, expires        time.Duration
		schedule, validity  string
		want                smpp.Status
		wantDue, wantExpire time.Duration
	}{
		{"none is new", 0, time.Hour, 2 * time.Hour, "", "", smpp.ROK, time.Hour, 2 * time.Hour},
		{"valid until it is due", 0, time.Hour, 2 * time.Hour, "", at(time.Hour), smpp.ROK, time.Hour, time.Hour},
		{"valid until before it is due", 0, time.Hour, 2 * time.Hour, "", at(time.Hour - tenth), smpp.RINVEXPIRY, 0, 0},
		{"valid until before its next try", 1, time.Hour, 2 * time.Hour, "", at(time.Minute), smpp.ROK, time.Hour, time.Minute},
		{"due when its validity ends", 0, time.Hour, 2 * time.Hour, at(2 * time.Hour), "", smpp.ROK, 2 * time.Hour, 2 * time.Hour},
		{"due after its validity", 0, time.Hour, 2 * time.Hour, at(2*time.Hour + tenth), "", smpp.RINVSCHED, 0, 0},
		{"due after its validity, tried already", 1, time.Hour, 2 * time.Hour, at(2*time.Hour + tenth), "", smpp.RINVSCHED, 0, 0},
		{"both are new", 0, time.Hour, 2 * time.Hour, at(3 * time.Hour), at(4 * time.Hour), smpp.ROK, 3 * time.Hour, 4 * time.Hour},
		{"both are new and contradict each other", 0, time.Hour, 2 * time.Hour, at(4 * time.Hour), at(3 * time.Hour), smpp.RINVEXPIRY, 0, 0},
		{"both are new and contradict each other, tried already", 1, time.Hour, 2 * time.Hour, at(4 * time.Hour), at(3 * time.Hour), smpp.RINVEXPIRY, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := waiting()
			m.Attempts, m.DueAt, m.ExpiresAt = tc.attempts, in(tc.due), in(tc.expires)
			err := esme(smpp.V34).Replace(&m, &smpp.ReplaceSM{ScheduleDeliveryTime: tc.schedule, ValidityPeriod: tc.validity}, now)
			if expectStatus(t, err, tc.want); err == nil && (!m.DueAt.Equal(in(tc.wantDue)) || !m.ExpiresAt.Equal(in(tc.wantExpire))) {
				t.Errorf("due %v, until %v", m.DueAt, m.ExpiresAt)
			}
		})
	}
}
