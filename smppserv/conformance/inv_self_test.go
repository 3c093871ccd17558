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

// A told is one PDU of one of a client's connections.
type told struct {
	connection int
	fromServer bool
	pdu        []byte
}

func TestAReceiptBeforeItsAnswerIsFound(t *testing.T) {
	const from, to = "1000", "447700900001"
	bindAs := func(systemID string, version byte) []byte {
		return patch(bTRX(account{SystemID: systemID, Password: accountSecret}), 31, version)
	}
	receipt := func(id string, class byte, tlvs ...byte) []byte {
		text := []byte("id:" + id + " sub:001 dlvrd:001 submit date:2611291200 done date:2611291200 stat:DELIVRD err:000 text:hello")
		return join(vector(5, 7, octets("00 0101"), cstring(to), octets("0101"), cstring(from), []byte{class},
			octets("00 00 00 00 00 00 00 00"), []byte{byte(len(text))}, text), tlvs)
	}
	answer := func(command uint32, id string) []byte { return vector(nackID|command, 2, cstring(id)) }
	var (
		bind   = told{0, false, bindAs("a0001", 0x34)}
		bound  = told{0, true, vector(nackID|9, 1, cstring("smsc"))}
		other  = []told{{1, false, bind.pdu}, {1, true, bound.pdu}}
		submit = told{0, false, s0(2)}
		named  = told{0, true, answer(4, "4711")}
		early  = told{0, true, receipt("4711", 4)}
	)
	on := func(connection int, e told) told { e.connection = connection; return e }
	as := func(systemID string, version byte, events ...told) []told {
		return append([]told{{0, false, bindAs(systemID, version)}, bound}, events...)
	}
	tests := []struct {
		name   string
		events []told
		change func(all []*recording)
		want   string // in a fault; "" = none
	}{
		{"submit_sm", []told{bind, bound, submit, named, early}, nil, ""},
		{"submit_sm, turned round", []told{bind, bound, submit, early, named}, nil, "before the answer"},
		{"data_sm, turned round", []told{bind, bound, {0, false, d0(2)}, early, {0, true, answer(0x103, "4711")}}, nil, "before the answer"},
		{"submit_multi", []told{bind, bound, {0, false, m0(2)}, {0, true, answer(0x21, "4711\x00")}, early, early}, nil, ""},
		{"submit_multi, turned round", []told{bind, bound, {0, false, m0(2)}, early, {0, true, answer(0x21, "4711\x00")}, early}, nil, "before the answer"},
		{"an intermediate notification, turned round", []told{bind, bound, submit, {0, true, receipt("4711", 0x20)}, named}, nil, "before the answer"},
		{"no receipt", []told{bind, bound, submit, {0, true, receipt("4711", 0)}, named}, nil, ""},
		{"another session", append(other, bind, bound, submit, named, on(1, early)), nil, ""},
		{"another session, turned round", append(other, bind, bound, submit, on(1, early), named), nil, "before the answer"},
		{"another session, read late", append(other, bind, bound, submit, on(1, early), named),
			func(all []*recording) { all[0].late = true }, ""},
		{"another session of a server started anew", append([]told{bind, bound, submit, named}, append(other, on(1, early))...), nil, ""},
		{"another client's answer", []told{bind, bound, submit, named, {1, false, bindAs("a0002", 0x34)}, on(1, bound), on(1, early)}, nil, "no answer names it"},
		{"another world's answer", append([]told{bind, bound, submit, named}, append(other, on(1, early))...),
			func(all []*recording) { all[1].world = "another" }, "no answer names it"},
		{"another message's answer", []told{bind, bound, submit, {0, true, answer(4, "4710")}, early}, nil, "no answer names it"},
		{"an answer lost with its connection", append([]told{bind, bound, submit}, append(other, on(1, early))...), nil, ""},
		{"an answer lost, of another number", append([]told{bind, bound, {0, false, s0To(2, "447700900002")}}, append(other, on(1, early))...), nil, "no answer names it"},
		{"an answer lost, asked for later", append(append(other, on(1, early)), bind, bound, submit), nil, "no answer names it"},
		{"an answer lost, of submit_multi", append([]told{bind, bound, {0, false, m0(2)}}, append(other, on(1, early))...), nil, ""},
		{"the TLV alone", []told{bind, bound, submit, {0, true, withTLV(receipt("", 4), 0x001E, cstring("4711")...)}, named}, nil, "before the answer"},
		{"the TLV of another", []told{bind, bound, submit, named, {0, true, withTLV(receipt("4711", 4), 0x001E, cstring("4712")...)}}, nil, "no answer names it"},
		{"hexadecimal", as("hexid", 0x34, submit, told{0, true, answer(4, "1267")}, told{0, true, receipt("1267", 4)}), nil, ""},
		{"hexadecimal receipts", as("hexdl", 0x34, submit, named, told{0, true, receipt("1267", 4)}), nil, ""},
		{"hexadecimal receipts, turned round", as("hexdl", 0x34, submit, told{0, true, receipt("1267", 4)}, named), nil, "before the answer"},
		{"hexadecimal receipts, of another", as("hexdl", 0x34, submit, named, early), nil, "no answer names it"},
		{"3.3, a long id", append(as("a0001", 0x34, submit, told{0, true, answer(4, "305419896")}),
			told{1, false, bindAs("a0001", 0x33)}, on(1, bound), told{1, true, receipt("12345678", 4)}), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := []*recording{{}, {}}
			for i, e := range test.events {
				r := all[e.connection]
				r.events = append(r.events, recorded{time.Unix(int64(i), 0), e.fromServer, e.pdu})
			}
			if test.change != nil {
				test.change(all)
			}
			faults := strings.Join(receiptFaults(all), "; ")
			if test.want == "" && faults != "" || !strings.Contains(faults, test.want) {
				t.Errorf("found %q, want %q", faults, test.want)
			}
		})
	}
}
