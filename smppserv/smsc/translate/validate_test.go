package translate

import (
	"fmt"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func TestEachNumberOfASubmitIsJudgedAtItsBounds(t *testing.T) {
	const msgLen, regDel = smpp.RINVMSGLEN, smpp.RINVREGDLVFLG
	for _, tc := range []struct {
		name         string
		change       func(*smpp.SubmitSM)
		want34, want smpp.Status // up to 3.4, and in 5.0
	}{
		{"nothing odd", func(*smpp.SubmitSM) {}, smpp.ROK, smpp.ROK},
		{"priority 3", func(r *smpp.SubmitSM) { r.PriorityFlag = 3 }, smpp.ROK, smpp.ROK},
		{"priority 4", func(r *smpp.SubmitSM) { r.PriorityFlag = 4 }, smpp.RINVPRTFLG, smpp.RINVPRTFLG},
		{"replace_if_present 1", func(r *smpp.SubmitSM) { r.ReplaceIfPresent = 1 }, smpp.ROK, smpp.ROK},
		{"replace_if_present 2", func(r *smpp.SubmitSM) { r.ReplaceIfPresent = 2 }, smpp.RINVREPFLAG, smpp.RINVREPFLAG},
		{"254 octets", func(r *smpp.SubmitSM) { r.ShortMessage = make([]byte, 254) }, smpp.ROK, smpp.ROK},
		{"255 octets", func(r *smpp.SubmitSM) { r.ShortMessage = make([]byte, 255) }, msgLen, smpp.ROK},
		{"receipt, always", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x01 }, smpp.ROK, smpp.ROK},
		{"receipt, on failure", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x02 }, smpp.ROK, smpp.ROK},
		{"receipt, on success", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x03 }, regDel, smpp.ROK},
		{"all that 3.4 has", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x1E }, smpp.ROK, smpp.ROK},
		{"all that 5.0 has", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x1F }, regDel, smpp.ROK},
		{"reserved bit 5", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x20 }, regDel, regDel},
		{"reserved bit 6", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x40 }, regDel, regDel},
		{"reserved bit 7", func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x80 }, regDel, regDel},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, version := range versions {
				want := tc.want34
				if version == smpp.V50 {
					want = tc.want
				}
				expectStatus(t, esme(version).CheckSubmit(submitSM(tc.change)), want)
			}
		})
	}
}

func TestAnESMClassHasOneOfTheTypesThatAClientMaySend(t *testing.T) {
	for kind := range byte(16) {
		want := smpp.RINVESMCLASS
		if kind == 0 || kind == 2 || kind == 4 { // none, delivery acknowledgement, manual acknowledgement (5.2.12)
			want = smpp.ROK
		}
		for _, others := range []byte{0x00, 0x03, 0x40, 0x80, 0xC3} { // modes, UDHI, reply path
			r := submitSM(func(r *smpp.SubmitSM) { r.ESMClass = kind<<2 | others })
			t.Run(fmt.Sprintf("%#02x", r.ESMClass), func(t *testing.T) { expectStatus(t, esme(smpp.V34).CheckSubmit(r), want) })
		}
	}
}

// faults are one for each field that is judged, in the order of table 4-10 within numbers, addresses, text and times.
var faults = []struct {
	status smpp.Status
	make   func(*smpp.SubmitSM)
}{
	{smpp.RINVESMCLASS, func(r *smpp.SubmitSM) { r.ESMClass = smpp.ESMReceipt }},
	{smpp.RINVPRTFLG, func(r *smpp.SubmitSM) { r.PriorityFlag = 4 }},
	{smpp.RINVREPFLAG, func(r *smpp.SubmitSM) { r.ReplaceIfPresent = 2 }},
	{smpp.RINVMSGLEN, func(r *smpp.SubmitSM) { r.ShortMessage = make([]byte, 255) }},
	{smpp.RINVREGDLVFLG, func(r *smpp.SubmitSM) { r.RegisteredDelivery = 0x20 }},
	{smpp.RINVSRCTON, func(r *smpp.SubmitSM) { r.Source.TON = 7 }},
	{smpp.RINVSRCNPI, func(r *smpp.SubmitSM) { r.Source.NPI = 2 }},
	{smpp.RINVSRCADR, func(r *smpp.SubmitSM) { r.Source.Addr = "\n" }},
	{smpp.RINVDSTTON, func(r *smpp.SubmitSM) { r.Dest.TON = 7 }},
	{smpp.RINVDSTNPI, func(r *smpp.SubmitSM) { r.Dest.NPI = 2 }},
	{smpp.RINVDSTADR, func(r *smpp.SubmitSM) { r.Dest.Addr = "x" }},
	{smpp.ROPTPARNOTALLWD, func(r *smpp.SubmitSM) { r.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("p")}} }},
	{smpp.RINVDFTMSGID, func(r *smpp.SubmitSM) { r.DefaultMsgID = 1 }},
	{smpp.RINVSCHED, func(r *smpp.SubmitSM) { r.ScheduleDeliveryTime = "never" }},
	{smpp.RINVEXPIRY, func(r *smpp.SubmitSM) { r.ValidityPeriod = "never" }},
}

func TestOfSeveralFaultsTheFirstCounts(t *testing.T) {
	r := submitSM(nil)
	for i := len(faults) - 1; i >= 0; i-- {
		faults[i].make(r)
		_, err := esme(smpp.V34).read(r)
		expectStatus(t, err, faults[i].status)
	}
}

func TestADataSMNeedsAPayloadAndASubmitSMHasTransactionModeIn50Only(t *testing.T) {
	bare, full := submitSM(nil), submitSM(func(r *smpp.SubmitSM) { r.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload}} })
	mode := func(esm byte) *smpp.SubmitSM {
		return submitSM(func(r *smpp.SubmitSM) { r.ESMClass, r.TLVs = esm, full.TLVs })
	}
	for _, tc := range []struct {
		name          string
		command       smpp.CommandID
		r             *smpp.SubmitSM
		want34, want5 smpp.Status
	}{
		{"data_sm without a payload", smpp.CmdDataSM, bare, smpp.RMISSINGOPTPARAM, smpp.RMISSINGOPTPARAM},
		{"data_sm with an empty payload", smpp.CmdDataSM, full, smpp.ROK, smpp.ROK},
		{"submit_sm without a payload", smpp.CmdSubmitSM, bare, smpp.ROK, smpp.ROK},
		{"data_sm in transaction mode", smpp.CmdDataSM, mode(smpp.ESMTransaction), smpp.ROK, smpp.ROK},
		{"submit_sm in transaction mode", smpp.CmdSubmitSM, mode(smpp.ESMTransaction), smpp.RINVESMCLASS, smpp.ROK},
		{"the same with UDHI", smpp.CmdSubmitSM, mode(smpp.ESMTransaction | smpp.ESMUDHI), smpp.RINVESMCLASS, smpp.ROK},
		{"submit_sm in datagram mode", smpp.CmdSubmitSM, mode(smpp.ESMDatagram), smpp.ROK, smpp.ROK},
		{"submit_sm in store and forward mode", smpp.CmdSubmitSM, mode(smpp.ESMStoreForward), smpp.ROK, smpp.ROK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expectStatus(t, esme(smpp.V33).CheckCommand(tc.command, tc.r), tc.want34)
			expectStatus(t, esme(smpp.V34).CheckCommand(tc.command, tc.r), tc.want34)
			expectStatus(t, esme(smpp.V50).CheckCommand(tc.command, tc.r), tc.want5)
		})
	}
}
