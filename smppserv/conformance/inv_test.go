package conformance

import (
	"fmt"
	"testing"
	"time"
)

var invRows = []row{
	{"INV-01", "must", "every command_status the server sends is one that SMPP defines for that session's version", overAll(statusFaults)},
	{"INV-02", "must", "every request gets exactly one answer, on its connection, within 2 s", overAll(answerFaults)},
	{"INV-03", "must", "the server's own requests are well-formed, with no parameter that the session's version does not know", overAll(requestFaults)},
	{"INV-04", "must", "no receipt comes before the answer that names its message, on whichever session of its client", overTogether(receiptFaults)},
}

// overAll judges the recordings of every connection of the run, each by itself.
func overAll(judge func(*recording) []string) func(*testing.T, *suite) {
	return overTogether(func(all []*recording) (faults []string) {
		for _, r := range all {
			for _, fault := range judge(r) {
				faults = append(faults, r.row+": "+fault)
			}
		}
		return faults
	})
}

// overTogether judges the recordings of all connections of the run in one.
func overTogether(judge func([]*recording) []string) func(*testing.T, *suite) {
	return func(t *testing.T, s *suite) {
		const most = 20
		faults := judge(s.all())
		for _, fault := range faults[:min(len(faults), most)] {
			t.Error(fault)
		}
		if len(faults) > most {
			t.Errorf("and %d more", len(faults)-most)
		}
	}
}

// statusFaults holds every status against the ranges of 3.4 table 5-2 and 5.0 table 4-45.
func statusFaults(r *recording) (faults []string) {
	version := versionTracker{}
	for _, p := range pdusOf(r) {
		version.see(p)
		if !p.fromServer {
			continue
		}
		switch {
		case p.command == 0x80000015 && p.status != 0:
			faults = append(faults, fmt.Sprintf("enquire_link_resp with status %#x", p.status))
		case !statusDefined(p.status, version.version):
			faults = append(faults, fmt.Sprintf("%v has the status %#x, which is not defined for version %#x", p, p.status, version.version))
		}
	}
	return faults
}

func statusDefined(status uint32, version byte) bool {
	switch {
	case status >= 0x400 && status <= 0x4FF:
		return true
	case status >= 0x100 && status <= 0x112:
		return version >= 0x50
	case status > 0xFF:
		return false
	}
	for _, reserved := range [][2]uint32{
		{0x09, 0x09}, {0x10, 0x10}, {0x12, 0x12}, {0x16, 0x32}, {0x35, 0x3F}, {0x41, 0x41}, {0x46, 0x47}, {0x52, 0x52},
		{0x56, 0x57}, {0x59, 0x60}, {0x68, 0xBF}, {0xC5, 0xFD},
	} {
		if status >= reserved[0] && status <= reserved[1] {
			return false
		}
	}
	return true
}

// answerFaults pairs the client's requests with the server's answers.
func answerFaults(r *recording) (faults []string) {
	pdus := pdusOf(r)
	if r.exempted != "" {
		return nil
	}
	var open []wirePDU        // requests without an answer yet
	stray := map[uint32]int{} // unknown response ids of the client, which may be answered by a nack
	for _, p := range pdus {
		switch {
		case !p.fromServer && !p.isResponse():
			open = append(open, p)
		case !p.fromServer:
			stray[p.seq]++
		case p.isResponse():
			i := answered(open, p)
			switch {
			case i >= 0:
				if took := p.at.Sub(open[i].at); took > inTime() && !open[i].transaction() {
					faults = append(faults, fmt.Sprintf("%v took %v to be answered", open[i], took))
				}
				open = append(open[:i], open[i+1:]...)
			case p.command == nackID && (p.seq == 0 || stray[p.seq] > 0):
			default:
				faults = append(faults, fmt.Sprintf("%v answers no request of this connection", p))
			}
		}
	}
	for _, p := range open {
		gone := !r.ended.IsZero() && r.ended.Sub(p.at) <= soon
		if !gone && p.hasResponse() && !p.transaction() && time.Since(p.at) > inTime() {
			faults = append(faults, fmt.Sprintf("%v was never answered", p))
		}
	}
	return faults
}

// answered finds the request that an answer is for, the oldest first.
func answered(open []wirePDU, answer wirePDU) int {
	for i, p := range open {
		if p.seq == answer.seq && (answer.command == nackID || answer.command == p.command|nackID) {
			return i
		}
	}
	return -1
}

// requestFaults judges what the server asks of clients, and the optional parameters of its responses.
func requestFaults(r *recording) (faults []string) {
	version := versionTracker{}
	outstanding := map[uint32]bool{}
	for _, p := range pdusOf(r) {
		version.see(p)
		if !p.fromServer {
			if p.isResponse() {
				delete(outstanding, p.seq)
			}
			continue
		}
		if p.broken {
			faults = append(faults, fmt.Sprintf("the server's octets are no PDU from %v on", p))
			break
		}
		for _, fault := range bodyFaults(p, version.version) {
			faults = append(faults, fmt.Sprintf("%v: %s", p, fault))
		}
		if p.isResponse() {
			continue
		}
		if p.status != 0 {
			faults = append(faults, fmt.Sprintf("%v has the status %#x", p, p.status))
		}
		if p.seq == 0 || p.seq > 0x7FFFFFFF {
			faults = append(faults, fmt.Sprintf("%v has a sequence_number out of range", p))
		}
		if outstanding[p.seq] {
			faults = append(faults, fmt.Sprintf("%v has the sequence_number of an outstanding request", p))
		}
		// outbind and alert_notification have no response that would free their number.
		if p.command != 0x0B && p.command != 0x102 {
			outstanding[p.seq] = true
		}
	}
	return faults
}
