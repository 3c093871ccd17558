package translate

import (
	"reflect"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestAMessageHasWhatItsSubmitSays(t *testing.T) {
	r := &smpp.SubmitSM{
		ServiceType: "CMT", Source: smpp.Address{TON: 1, NPI: 1, Addr: "+4917"}, Dest: smpp.Address{TON: 3, NPI: 9, Addr: "12345"},
		ESMClass: smpp.ESMReplyPath | smpp.ESMDatagram, ProtocolID: 0x41, PriorityFlag: 2, RegisteredDelivery: 0x12, ReplaceIfPresent: 1,
		DataCoding: 3, ShortMessage: []byte("caf\xE9"), TLVs: smpp.TLVs{smpp.TLVUint16(smpp.TagUserMessageReference, 0x0102)},
	}
	want := &sms.Message{
		Source: sms.Address{TON: 1, NPI: 1, Number: "4917"}, Dest: sms.Address{TON: 3, NPI: 9, Number: "12345"}, ServiceType: "CMT",
		ESMClass: 0x81, ProtocolID: 0x41, Priority: 2, RegisteredDelivery: 0x12, DataCoding: 3, InterfaceVersion: smpp.V34,
		Alphabet: "latin1", Content: []byte("caf\xE9"), TLVs: []byte{2, 4, 0, 2, 1, 2},
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), Period: true, State: sms.Enroute,
	}
	got := &sms.Message{ID: 7, Submitter: "who had it before", Attempts: 3}
	if err := esme(smpp.V34).Submit(got, smpp.CmdSubmitSM, r, now); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestAMessageKeepsNothingOfThePDUsMemory(t *testing.T) {
	text, callback := []byte("text"), []byte("1234")
	m := esme(smpp.V34).mustRead(t, submitSM(func(r *smpp.SubmitSM) {
		r.ShortMessage, r.TLVs = text, smpp.TLVs{{Tag: smpp.TagCallbackNum, Value: callback}}
	}))
	clear(text)
	clear(callback)
	if string(m.Content) != "text" || string(m.TLVs[4:]) != "1234" {
		t.Errorf("now it is %q, % x", m.Content, m.TLVs)
	}
}

func TestTimeToLiveAndDPFAreOfDataSMAndOf50(t *testing.T) {
	due := now.Truncate(tenth).Add(time.Minute)
	for _, tc := range []struct {
		name    string
		version byte
		command smpp.CommandID
		counts  bool
	}{
		{"submit_sm in 3.4", smpp.V34, smpp.CmdSubmitSM, false},
		{"submit_multi in 3.4", smpp.V34, smpp.CmdSubmitMulti, false},
		{"data_sm in 3.4", smpp.V34, smpp.CmdDataSM, true},
		{"submit_sm in 5.0", smpp.V50, smpp.CmdSubmitSM, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for dpf := range byte(3) {
				var m sms.Message
				err := esme(tc.version).Submit(&m, tc.command, submitSM(func(r *smpp.SubmitSM) {
					r.ScheduleDeliveryTime, r.ValidityPeriod = at(time.Minute), at(2*time.Minute)
					r.TLVs = smpp.TLVs{smpp.TLVUint32(smpp.TagQosTimeToLive, 1), smpp.TLVUint8(smpp.TagSetDpf, dpf)}
				}), now)
				expires := due.Add(time.Minute)
				if tc.counts {
					expires = due.Add(time.Second)
				}
				if err != nil || m.SetDPF != (tc.counts && dpf == 1) || !m.ExpiresAt.Equal(expires) {
					t.Errorf("set_dpf %d is %v, and it is valid until %v, want %v: %v", dpf, m.SetDPF, m.ExpiresAt, expires, err)
				}
			}
		})
	}
	var m sms.Message
	r := submitSM(func(r *smpp.SubmitSM) { r.TLVs = smpp.TLVs{smpp.TLVUint32(smpp.TagQosTimeToLive, 5)} })
	if err := esme(smpp.V50).Submit(&m, smpp.CmdSubmitSM, r, now); err != nil || !m.ExpiresAt.Equal(sms.NotBefore(now.Add(5*time.Second))) {
		t.Errorf("what lives for 5 s from %v is valid until %v: %v", now, m.ExpiresAt, err)
	}
}

func TestADataSMIsTheSubmitSMThatSaysTheSame(t *testing.T) {
	r := &smpp.DataSM{ServiceType: "CMT", Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{Addr: "2"}, ESMClass: 1, RegisteredDelivery: 2, DataCoding: 3,
		TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("p")}}}
	want := &smpp.SubmitSM{ServiceType: "CMT", Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{Addr: "2"}, ESMClass: 1, RegisteredDelivery: 2,
		DataCoding: 3, TLVs: r.TLVs}
	if got := SubmitOfData(r); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
