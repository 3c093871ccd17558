package operators

import (
	"encoding/hex"
	"fmt"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// fields are those of the PDU that a message came in, decoded. None of them shows its text.
func fields(m *sms.Message) []adminapi.Field {
	all := []adminapi.Field{
		{Name: "service_type", Value: m.ServiceType},
		{Name: "source_addr", Value: m.Source.Number, Means: addressMeans(m.Source)},
		{Name: "destination_addr", Value: m.Dest.Number, Means: addressMeans(m.Dest)},
		{Name: "esm_class", Value: octet(m.ESMClass), Means: esmClass(m.ESMClass)},
		{Name: "protocol_id", Value: octet(m.ProtocolID)},
		{Name: "priority_flag", Value: fmt.Sprint(m.Priority)},
		{Name: "registered_delivery", Value: octet(m.RegisteredDelivery), Means: registeredDelivery(m.RegisteredDelivery)},
		{Name: "data_coding", Value: octet(m.DataCoding), Means: m.Alphabet},
	}
	if m.InterfaceVersion != 0 {
		all = append(all, adminapi.Field{Name: "interface_version", Value: octet(m.InterfaceVersion), Means: versionName(m.InterfaceVersion)})
	}
	if m.Scheduled() {
		all = append(all, adminapi.Field{Name: "schedule_delivery_time", Value: m.DueAt.Format(timeLayout)})
	}
	validity := "a time"
	if m.Period {
		validity = "a period, which elapses whatever the clock is set to"
	}
	all = append(all, adminapi.Field{Name: "validity_period", Value: m.ExpiresAt.Format(timeLayout), Means: validity})
	if m.Part.Total > 0 {
		form := map[sms.PartForm]string{sms.FormUDH8: "user data header", sms.FormUDH16: "user data header, 16 bits", sms.FormSAR: "sar TLVs"}[m.PartForm]
		all = append(all, adminapi.Field{Name: "sar_msg_ref_num", Value: fmt.Sprint(m.Part.Ref), Means: strings.TrimSuffix(fmt.Sprintf("part %d of %d, %s", m.Part.Seq, m.Part.Total, form), ", ")})
	}
	if m.SetDPF {
		all = append(all, adminapi.Field{Name: "set_dpf", Value: "1", Means: "tell the submitter when the recipient can be reached again"})
	}
	for _, t := range smpp.ParseTLVs(m.TLVs) {
		all = append(all, adminapi.Field{Name: t.Tag.String(), Value: tlvValue(t), Means: fmt.Sprintf("TLV 0x%04X, %d octets", uint16(t.Tag), len(t.Value))})
	}
	return all
}

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func octet(b byte) string { return fmt.Sprintf("0x%02X", b) }

var (
	tons = [...]string{"unknown", "international", "national", "network specific", "subscriber number", "alphanumeric", "abbreviated"}
	npis = map[byte]string{0: "unknown", 1: "E.164", 3: "X.121", 4: "telex", 6: "E.212", 8: "national", 9: "private", 10: "ERMES", 14: "internet", 18: "WAP client id"}
)

func addressMeans(a sms.Address) string {
	ton, npi := "reserved", "reserved"
	if int(a.TON) < len(tons) {
		ton = tons[a.TON]
	}
	if name, ok := npis[a.NPI]; ok {
		npi = name
	}
	return fmt.Sprintf("TON %d (%s), NPI %d (%s)", a.TON, ton, a.NPI, npi)
}

func esmClass(b byte) string {
	modes := [...]string{"default mode", "datagram", "transaction", "store and forward"}
	all := []string{modes[b&smpp.ESMModeMask]}
	types := map[byte]string{smpp.ESMReceipt: "delivery receipt", smpp.ESMDeliveryAck: "delivery acknowledgement", smpp.ESMManualAck: "user acknowledgement",
		smpp.ESMConversationAbort: "conversation abort", smpp.ESMIntermediate: "intermediate notification"}
	if t := b & smpp.ESMTypeMask; t != 0 {
		name, ok := types[t]
		if !ok {
			name = "reserved message type"
		}
		all = append(all, name)
	}
	if b&smpp.ESMUDHI != 0 {
		all = append(all, "user data header")
	}
	if b&smpp.ESMReplyPath != 0 {
		all = append(all, "reply path")
	}
	return strings.Join(all, ", ")
}

func registeredDelivery(b byte) string {
	receipts := [...]string{"no receipt", "receipt of every final state", "receipt of failure", "receipt of success"}
	all := []string{receipts[b&smpp.RegReceiptMask]}
	if b&smpp.RegDeliveryAck != 0 {
		all = append(all, "delivery acknowledgement")
	}
	if b&smpp.RegManualAck != 0 {
		all = append(all, "user acknowledgement")
	}
	if b&smpp.RegIntermediate != 0 {
		all = append(all, "intermediate notification")
	}
	return strings.Join(all, ", ")
}

// maxTLV is how much of a TLV is shown.
const maxTLV = 64

// tlvValue is a TLV's value in hex, but not where there may be a text in it.
func tlvValue(t smpp.TLV) string {
	switch {
	case t.Tag == smpp.TagMessagePayload, t.Tag == smpp.TagAdditionalStatusInfoText, t.Tag == smpp.TagCallbackNumAtag,
		strings.HasPrefix(t.Tag.String(), "tag "), len(t.Value) > maxTLV:
		return fmt.Sprintf("%d octets", len(t.Value))
	}
	return hex.EncodeToString(t.Value)
}
