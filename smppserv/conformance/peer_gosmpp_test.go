package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"
)

// goSMPP is a client on fiorix/go-smpp's Transceiver. The library hands over each deliver_sm and answers it with ROK
// after the handler has returned; it joins no long messages and reads no receipts, which is done here as its users do.
type goSMPP struct {
	transceiver *smpp.Transceiver
	received    chan received
	parts       map[string]map[int][]byte // by message, then by part number
}

// startGoSMPP binds a transceiver and returns once it is bound.
func startGoSMPP(t *testing.T, at endpoint) *goSMPP {
	t.Helper()
	g := &goSMPP{received: make(chan received, 1000), parts: map[string]map[int][]byte{}}
	g.transceiver = &smpp.Transceiver{
		Addr:         net.JoinHostPort(at.Host, strconv.Itoa(at.Port)),
		User:         at.SystemID,
		Passwd:       at.Password,
		RespTimeout:  patience,
		BindInterval: 100 * time.Millisecond,
		Handler:      g.handle,
	}
	statuses := g.transceiver.Bind()
	t.Cleanup(func() {
		if err := g.transceiver.Close(); err != nil {
			t.Errorf("closing go-smpp's transceiver: %v", err)
		}
		for range statuses { // closed when the library's goroutine has ended
		}
	})
	deadline := time.After(patience)
	for {
		select {
		case s := <-statuses:
			switch s.Status() {
			case smpp.Connected:
				return g
			case smpp.BindFailed:
				t.Fatalf("go-smpp was refused: %v", s.Error())
			}
		case <-deadline:
			t.Fatalf("go-smpp did not bind to %s within %v", g.transceiver.Addr, patience)
		}
	}
}

// Submit implements peer. The library's own splitter cuts the octets at 152 (GSM 7) and 132 (UCS-2), through escape and
// surrogate pairs, with 16-bit references.
func (g *goSMPP) Submit(_ context.Context, m outgoing) ([]string, error) {
	sm := &smpp.ShortMessage{
		Src: m.From, SourceAddrTON: 1, SourceAddrNPI: 1,
		Dst: m.To, DestAddrTON: 0, DestAddrNPI: 1,
		Register: pdufield.FinalDeliveryReceipt,
	}
	switch m.Kind {
	case gsm7, gsm7Parts, gsm7Payload:
		sm.Text = pdutext.GSM7(m.Text)
	case ucs2, ucs2Parts:
		sm.Text = pdutext.UCS2(m.Text)
	case latin1, ownDefault:
		sm.Text = pdutext.Latin1(m.Text) // as in the library's example of a Transmitter
	}
	switch m.Kind {
	case gsm7Parts, ucs2Parts:
		parts, err := g.transceiver.SubmitLongMsg(sm)
		if err != nil {
			return nil, fmt.Errorf("go-smpp, submit_sm of a part: %w", err)
		}
		ids := make([]string, len(parts))
		for i := range parts {
			ids[i] = parts[i].RespID()
		}
		return ids, nil
	case gsm7Payload:
		sm.TLVFields = pdutlv.Fields{pdutlv.TagMessagePayload: sm.Text.Encode()}
		sm.Text = pdutext.GSM7("")
	}
	answered, err := g.transceiver.Submit(sm)
	if err != nil {
		return nil, fmt.Errorf("go-smpp, submit_sm: %w", err)
	}
	return []string{answered.RespID()}, nil
}

// Received implements peer.
func (g *goSMPP) Received() <-chan received { return g.received }

// handle runs on the library's reading goroutine, one PDU at a time.
func (g *goSMPP) handle(p pdu.Body) {
	if p.Header().ID != pdu.DeliverSMID {
		return
	}
	f := p.Fields()
	r := received{From: f[pdufield.SourceAddr].String(), To: f[pdufield.DestinationAddr].String()}
	octets := f[pdufield.ShortMessage].Bytes()
	if payload := p.TLVFields()[pdutlv.TagMessagePayload]; payload != nil && len(octets) == 0 {
		octets = payload.Bytes()
	}
	octets, complete := g.join(r.From+" "+r.To, f, octets)
	if !complete {
		return
	}
	r.Text = decodeText(f[pdufield.DataCoding].Bytes()[0], octets)
	if f[pdufield.ESMClass].Bytes()[0]&0x3c == 0x04 {
		r.Receipt = readReceipt(r.Text)
		if id := p.TLVFields()[pdutlv.TagReceiptedMessageID]; id != nil {
			r.Receipt.TLV = strings.TrimSuffix(string(id.Bytes()), "\x00")
		}
	}
	g.received <- r
}

// join keeps the octets of a part and returns those of the whole message with the last of them.
func (g *goSMPP) join(conversation string, f pdufield.Map, octets []byte) (whole []byte, complete bool) {
	headers, ok := f[pdufield.GSMUserData].(*pdufield.UDHList)
	if !ok {
		return octets, true
	}
	for _, element := range headers.Data {
		id, data := element.IEI.Data, element.IEData.Data
		if !(id == 0x00 && len(data) == 3) && !(id == 0x08 && len(data) == 4) {
			continue
		}
		reference, total, part := data[:len(data)-2], int(data[len(data)-2]), int(data[len(data)-1])
		key := fmt.Sprintf("%s %x", conversation, reference)
		if g.parts[key] == nil {
			g.parts[key] = map[int][]byte{}
		}
		g.parts[key][part] = octets
		if len(g.parts[key]) < total {
			return nil, false
		}
		for n := 1; n <= total; n++ {
			whole = append(whole, g.parts[key][n]...)
		}
		delete(g.parts, key)
		return whole, true
	}
	return octets, true
}

func decodeText(dataCoding byte, octets []byte) string {
	octets = bytes.Clone(octets)
	switch dataCoding {
	case 0x00:
		return string(pdutext.GSM7(octets).Decode())
	case 0x03:
		return string(pdutext.Latin1(octets).Decode())
	case 0x08:
		return string(pdutext.UCS2(octets).Decode())
	default:
		return fmt.Sprintf("data_coding %#02x: %x", dataCoding, octets)
	}
}
