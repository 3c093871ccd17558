package conformance

import (
	"strings"
	"testing"
	"time"
)

// The invariants are worth only what they find, so here they meet connections that break them.
func TestInvariantsFindWhatIsWrong(t *testing.T) {
	a := account{SystemID: "a0001", Password: accountSecret}
	bound := vector(0x80000009, 1, cstring("smsc"))
	deliver := func(seq uint32) []byte {
		return vector(5, seq, octets("00 0101"), cstring("1000"), octets("0101"), cstring("447700900001"),
			octets("00 00 00 00 00 00 00 00 00 05 68656c6c6f"))
	}
	client := func(b []byte) recorded { return recorded{octets: b} }
	server := func(b []byte) recorded { return recorded{octets: b, fromServer: true} }
	version := func(v byte) []byte { return patch(bTRX(a), 31, v) }
	tests := []struct {
		name   string
		judge  func(*recording) []string
		events []recorded
		want   string // in a fault; "" = none
	}{
		{"a good exchange", answerFaults, []recorded{client(bTRX(a)), server(bound), client(s0(2)), server(vector(0x80000004, 2, cstring("1")))}, ""},
		{"no answer", answerFaults, []recorded{client(bTRX(a)), server(bound), client(s0(2))}, "never answered"},
		{"two answers", answerFaults, []recorded{client(e0(2)), server(vector(0x80000015, 2)), server(vector(0x80000015, 2))}, "answers no request"},
		{"the answer to something else", answerFaults, []recorded{client(e0(2)), server(vector(0x80000006, 2))}, "answers no request"},
		{"a reserved status", statusFaults, []recorded{client(s0(2)), server(patch(vector(0x80000004, 2), 11, 0x41))}, "not defined"},
		{"a status of 5.0 to 3.4", statusFaults, []recorded{client(bTRX(a)), server(bound), server(patch(vector(0x80000004, 2), 10, 1, 4))}, "not defined"},
		{"a status of 5.0 to 5.0", statusFaults, []recorded{client(version(0x50)), server(bound), server(patch(vector(0x80000004, 2), 10, 1, 4))}, ""},
		{"a good deliver_sm", requestFaults, []recorded{client(bTRX(a)), server(bound), server(withTLV(deliver(7), 0x0204, 0, 1))}, ""},
		{"one number twice", requestFaults, []recorded{client(bTRX(a)), server(bound), server(deliver(7)), server(deliver(7))}, "outstanding"},
		{"one number again", requestFaults, []recorded{client(bTRX(a)), server(bound), server(deliver(7)), client(vector(0x80000005, 7, []byte{0})), server(deliver(7))}, ""},
		{"a number out of range", requestFaults, []recorded{client(bTRX(a)), server(bound), server(deliver(0x80000000))}, "out of range"},
		{"a field that must be NULL", requestFaults, []recorded{client(bTRX(a)), server(bound), server(patch(deliver(7), 45, 1))}, "not NULL"},
		{"a TLV to 3.3", requestFaults, []recorded{client(version(0x33)), server(bound), server(withTLV(deliver(7), 0x0204, 0, 1))}, "TLV 0x0204"},
		{"a TLV of 5.0 to 3.4", requestFaults, []recorded{client(bTRX(a)), server(bound), server(withTLV(deliver(7), 0x0428, 1))}, "TLV 0x0428"},
		{"a vendor's TLV", requestFaults, []recorded{client(version(0x50)), server(bound), server(withTLV(deliver(7), 0x1400, 1))}, "TLV 0x1400"},
		{"a body that is too short", requestFaults, []recorded{client(bTRX(a)), server(bound), server(cut(deliver(7), 50))}, "too early"},
		{"no framing", requestFaults, []recorded{server(make([]byte, 16))}, "no PDU"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &recording{ended: time.Now().Add(time.Minute)}
			for i, e := range test.events {
				e.at = time.Now().Add(time.Duration(i)*time.Millisecond - time.Minute)
				r.events = append(r.events, e)
			}
			faults := strings.Join(test.judge(r), "; ")
			if test.want == "" && faults != "" || !strings.Contains(faults, test.want) {
				t.Errorf("found %q, want %q", faults, test.want)
			}
		})
	}
}
