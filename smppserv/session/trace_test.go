package session

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

// traced is what the log has of PDUs that go out.
func traced(t *testing.T, level zerolog.Level, pdus ...smpp.PDU) string {
	t.Helper()
	before := zerolog.GlobalLevel()
	zerolog.SetGlobalLevel(zerolog.TraceLevel)
	defer zerolog.SetGlobalLevel(before)
	var log bytes.Buffer
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	s := New(Options{ID: 7, Conn: a, Log: zerolog.New(&log).Level(level)})
	var out []byte
	for _, p := range pdus {
		out = smpp.AppendPDU(out, smpp.ROK, 3, p)
	}
	s.traceOut(out)
	h := smpp.ParseHeader(out)
	s.traceIn(h, out[smpp.HeaderLen:h.Length])
	return log.String()
}

func TestTraceWritesEveryPDUWithItsFieldsAndNoText(t *testing.T) {
	const text = "hush-text"
	multi := &smpp.SubmitMulti{}
	multi.ShortMessage = []byte(text)
	log := traced(t, zerolog.TraceLevel,
		&smpp.SubmitSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: "33612345678"}, Dest: smpp.Address{Addr: "3600"}, DataCoding: 8, ShortMessage: []byte(text),
			TLVs: smpp.TLVs{smpp.TLVUint16(smpp.TagUserMessageReference, 0x1234), {Tag: smpp.TagMessagePayload, Value: []byte(text)}, {Tag: 0x1400, Value: []byte(text)}}},
		&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "acme", Password: "hush-pass", InterfaceVersion: smpp.V34},
		&smpp.Outbind{SystemID: "centre", Password: "hush-out"},
		&smpp.DeliverSM{ShortMessage: []byte(text)}, &smpp.ReplaceSM{MessageID: "1", ShortMessage: []byte(text)}, &smpp.DataSM{TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(text)}}}, multi,
	)
	if strings.Contains(log, "hush") || strings.Contains(log, "687573682d") {
		t.Errorf("it tells a text or a password:\n%s", log)
	}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if len(lines) != 8 {
		t.Fatalf("%d lines:\n%s", len(lines), log)
	}
	var got struct {
		Level, Direction, PDU string
		Session               int
		Sequence              int
		Fields                struct {
			Source       string
			Dest         string
			DataCoding   int `json:"data_coding"`
			ShortMessage int `json:"short_message_octets"`
			TLVs         map[string]string
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "trace" || got.Direction != "out" || got.PDU != "submit_sm" || got.Session != 7 || got.Sequence != 3 || got.Fields.Source != "1/1/33612345678" ||
		got.Fields.Dest != "0/0/3600" || got.Fields.DataCoding != 8 || got.Fields.ShortMessage != len(text) ||
		got.Fields.TLVs["user_message_reference"] != "1234" || got.Fields.TLVs["message_payload"] != "9 octets" {
		t.Errorf("got %s", lines[0])
	}
	if !strings.Contains(lines[1], `"system_id":"acme"`) || !strings.Contains(lines[7], `"direction":"in"`) {
		t.Errorf("got %s", log)
	}
}

func TestNoPDUIsWrittenAtLevelDebug(t *testing.T) {
	if log := traced(t, zerolog.DebugLevel, &smpp.EnquireLink{}); log != "" {
		t.Errorf("got %s", log)
	}
}

// What cannot be read may have its password anywhere.
func TestABodyThatCannotBeReadIsNotTraced(t *testing.T) {
	before := zerolog.GlobalLevel()
	zerolog.SetGlobalLevel(zerolog.TraceLevel)
	defer zerolog.SetGlobalLevel(before)
	var log bytes.Buffer
	s := &Session{o: Options{Log: zerolog.New(&log)}}
	body := []byte("a system_id that is too long\x00hush\x00")
	s.traceIn(smpp.Header{Length: uint32(smpp.HeaderLen + len(body)), Command: smpp.CmdBindTransmitter}, body)
	if !strings.Contains(log.String(), `"pdu":"bind_transmitter"`) || strings.Contains(log.String(), "hush") {
		t.Errorf("got %s", &log)
	}
}
