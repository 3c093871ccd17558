package translate

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func TestASubmitMultiIsJudgedAtItsBounds(t *testing.T) {
	for _, tc := range []struct {
		name          string
		r             smpp.SubmitMulti
		want34, want5 smpp.Status
	}{
		{"254 destinations", smpp.SubmitMulti{Dests: make([]smpp.Dest, 254)}, smpp.ROK, smpp.ROK},
		{"255 destinations", smpp.SubmitMulti{Dests: make([]smpp.Dest, 255)}, smpp.RINVNUMDESTS, smpp.ROK},
		{"replace_if_present", smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{ReplaceIfPresent: 1}}, smpp.RINVREPFLAG, smpp.RINVREPFLAG},
		{"datagram mode", smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{ESMClass: smpp.ESMDatagram}}, smpp.ROK, smpp.ROK},
		{"transaction mode", smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{ESMClass: smpp.ESMTransaction | smpp.ESMUDHI}}, smpp.RINVESMCLASS, smpp.RINVESMCLASS},
		{"store and forward mode", smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{ESMClass: smpp.ESMStoreForward}}, smpp.ROK, smpp.ROK},
		{"all faults", smpp.SubmitMulti{Dests: make([]smpp.Dest, 255), SubmitSM: smpp.SubmitSM{ReplaceIfPresent: 1, ESMClass: smpp.ESMTransaction}}, smpp.RINVNUMDESTS, smpp.RINVREPFLAG},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expectStatus(t, esme(smpp.V33).CheckMulti(&tc.r), tc.want34)
			expectStatus(t, esme(smpp.V34).CheckMulti(&tc.r), tc.want34)
			expectStatus(t, esme(smpp.V50).CheckMulti(&tc.r), tc.want5)
		})
	}
}

func TestASubmitMultiSaysTheSameToEachDestination(t *testing.T) {
	subaddress, reference := smpp.TLV{Tag: smpp.TagDestSubaddress, Value: []byte("xx")}, smpp.TLVUint16(smpp.TagUserMessageReference, 1)
	r := &smpp.SubmitMulti{Dests: []smpp.Dest{{}}, SubmitSM: smpp.SubmitSM{ServiceType: "CMT", Source: smpp.Address{Addr: "1"}, ESMClass: 1,
		ProtocolID: 2, PriorityFlag: 3, ScheduleDeliveryTime: "s", ValidityPeriod: "v", RegisteredDelivery: 4, DataCoding: 5, DefaultMsgID: 6,
		ShortMessage: []byte("text"), TLVs: smpp.TLVs{subaddress, reference}}}
	want := &smpp.SubmitSM{ServiceType: "CMT", Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{TON: 1, Addr: "2"}, ESMClass: 1, ProtocolID: 2,
		PriorityFlag: 3, ScheduleDeliveryTime: "s", ValidityPeriod: "v", RegisteredDelivery: 4, DataCoding: 5, DefaultMsgID: 6,
		ShortMessage: []byte("text"), TLVs: smpp.TLVs{reference}}
	if got := SubmitOfMulti(r, smpp.Address{TON: 1, Addr: "2"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if len(r.TLVs) != 2 {
		t.Errorf("the submit_multi has lost %v", r.TLVs)
	}
}

func TestWhoIsInAListIsAddedOnce(t *testing.T) {
	to := func(ton byte, number string) smpp.Address { return smpp.Address{TON: ton, NPI: 1, Addr: number} }
	dests := func(as ...smpp.Address) (ds []smpp.Dest) {
		for _, a := range as {
			ds = append(ds, smpp.Dest{Address: a})
		}
		return ds
	}
	for _, tc := range []struct {
		name    string
		dests   []smpp.Dest
		members []string
		want    []smpp.Address
	}{
		{"no list", dests(to(1, "111"), to(1, "111")), nil, []smpp.Address{to(1, "111"), to(1, "111")}},
		{"behind the addresses", append([]smpp.Dest{{ListName: "friends"}}, dests(to(1, "111"))...), []string{"+33611111111", "222"},
			[]smpp.Address{to(1, "111"), to(1, "33611111111"), to(0, "222")}},
		{"in two lists", nil, []string{"222", "+222", "222"}, []smpp.Address{to(0, "222")}},
		{"named besides", dests(to(1, "+222")), []string{"222"}, []smpp.Address{to(1, "+222")}},
		{"named besides by an address that is wrong", dests(to(9, "222")), []string{"222"}, []smpp.Address{to(9, "222"), to(0, "222")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := Destinations(tc.dests, tc.members); err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestThereAreNoMoreDestinationsThanTheAnswerCanName(t *testing.T) {
	var members []string
	for i := range 255 {
		members = append(members, fmt.Sprint(1000+i))
	}
	got, err := Destinations([]smpp.Dest{{ListName: "friends"}}, members)
	if err != nil || len(got) != 255 {
		t.Errorf("255 of a list are %d, %v", len(got), err)
	}
	_, err = Destinations([]smpp.Dest{{Address: smpp.Address{Addr: "1"}}}, members)
	expectStatus(t, err, smpp.RINVNUMDESTS)
}
