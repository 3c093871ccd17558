package translate

import "hnetsmpp/pkg/smpp"

const (
	maxPriority        = 3
	maxShortMessage34  = 254
	reservedRegistered = 0xE0
)

// CheckCommand judges what submit_sm and data_sm do not have in common: RMISSINGOPTPARAM for a data_sm without message_payload
// (4.7.1), RINVESMCLASS for transaction mode in a submit_sm, which has it in 5.0 only.
func (e ESME) CheckCommand(command smpp.CommandID, r *smpp.SubmitSM) error {
	data := command == smpp.CmdDataSM
	switch {
	case data && !r.TLVs.Has(smpp.TagMessagePayload):
		return smpp.RMISSINGOPTPARAM
	case r.ESMClass&smpp.ESMModeMask == smpp.ESMTransaction && !data && e.Version < smpp.V50:
		return smpp.RINVESMCLASS
	}
	return nil
}

// CheckSubmit judges the fields of a submit_sm that are numbers, in the order of table 4-10.
func (e ESME) CheckSubmit(r *smpp.SubmitSM) error {
	if err := checkESMClass(r.ESMClass); err != nil {
		return err
	}
	switch {
	case r.PriorityFlag > maxPriority:
		return smpp.RINVPRTFLG
	case r.ReplaceIfPresent > 1:
		return smpp.RINVREPFLAG
	case len(r.ShortMessage) > maxShortMessage34 && e.Version < smpp.V50:
		return smpp.RINVMSGLEN
	}
	return e.checkRegistered(r.RegisteredDelivery)
}

func checkESMClass(esm byte) error {
	switch esm & smpp.ESMTypeMask {
	case 0, smpp.ESMDeliveryAck, smpp.ESMManualAck:
		return nil
	}
	return smpp.RINVESMCLASS
}

// checkLength holds server.max_message_octets.
func (t *Texts) checkLength(text []byte) error {
	if t.MaxOctets > 0 && len(text) > t.MaxOctets {
		return smpp.RINVMSGLEN
	}
	return nil
}

func (e ESME) checkRegistered(reg byte) error {
	if reg&reservedRegistered != 0 || reg&smpp.RegReceiptMask == smpp.RegReceiptSuccess && e.Version < smpp.V50 {
		return smpp.RINVREGDLVFLG
	}
	return nil
}
