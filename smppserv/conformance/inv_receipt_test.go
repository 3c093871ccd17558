package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A ledger is what one client was told on all its sessions with one world, restarts of the server included.
type ledger struct {
	named    map[uint64][]mention // message → the answers with its message_id
	receipts []mention
	lost     []lostSubmit
}

// A mention is a place in a recording that names a message.
type mention struct {
	rec      *recording
	order    int // of its PDU in the recording
	at       time.Time
	asked    time.Time // when an answer's request was sent
	text     string    // the id as it was written
	numbers  []uint64  // that it may stand for
	from, to string    // a receipt's addresses
}

// A lostSubmit is a request whose answer the client never got, because the connection ended. The server may have the
// message nevertheless (I1): its receipt then comes with a message_id that no recording has.
type lostSubmit struct {
	at     time.Time
	source string
	dests  []string
	list   bool // among dests is a distribution list, whose members the request does not tell
}

// receiptFaults holds every receipt against the answers to the submits of its client, on all the client's connections
// (I5). An answer on the receipt's own connection must stand before it; one on another must have come earlier. An answer
// that was in another server's life or on a connection long closed is earlier and therefore good. The only receipts that
// need no answer are those for which a submit between the same numbers lost its answer with its connection.
func receiptFaults(all []*recording) (faults []string) {
	ledgers := map[[2]string]*ledger{}
	for _, r := range all {
		enter(ledgers, r)
	}
	for client, l := range ledgers {
		for _, rc := range l.receipts {
			if fault := l.judge(rc); fault != "" {
				faults = append(faults, fmt.Sprintf("%s: %s, the receipt for %s: %s", rc.rec.row, client[1], rc.text, fault))
			}
		}
	}
	slices.Sort(faults)
	return faults
}

func (l *ledger) judge(rc mention) string {
	known := false
	for _, number := range rc.numbers {
		for _, answer := range l.named[number] {
			if answer.before(rc) {
				return ""
			}
			known = true
		}
	}
	switch {
	case known:
		return "it came before the answer that names it"
	case slices.ContainsFunc(l.lost, func(s lostSubmit) bool { return s.mayBe(rc) }):
		return ""
	}
	return "no answer names it"
}

// before tells whether an answer was on the wire before a receipt. What was read late was written at any time after the
// request.
func (m mention) before(rc mention) bool {
	switch {
	case m.rec == rc.rec:
		return m.order < rc.order
	case m.rec.late:
		return !m.asked.After(rc.at)
	}
	return !m.at.After(rc.at)
}

func (s lostSubmit) mayBe(rc mention) bool {
	return !s.at.After(rc.at) && (s.source == rc.to || s.source == "") && (s.list || slices.Contains(s.dests, rc.from))
}

// enter notes what a recording says of messages.
func enter(ledgers map[[2]string]*ledger, r *recording) {
	version := versionTracker{}
	systemID := ""                 // as which the connection is bound, or is to be
	open := map[uint32][]wirePDU{} // submits without an answer yet, by their sequence_number
	of := func() *ledger {
		key := [2]string{r.world, systemID}
		if ledgers[key] == nil {
			ledgers[key] = &ledger{named: map[uint64][]mention{}}
		}
		return ledgers[key]
	}
	for order, p := range pdusOf(r) {
		version.see(p)
		m := mention{rec: r, order: order, at: p.at}
		switch {
		case p.broken:
		case !p.fromServer && (p.command == 1 || p.command == 2 || p.command == 9):
			systemID = string((&fieldReader{rest: p.body}).cstring())
		case !p.fromServer && (p.command == 0x04 || p.command == 0x21 || p.command == 0x103):
			open[p.seq] = append(open[p.seq], p)
		case p.fromServer && p.isResponse():
			i := answered(open[p.seq], p)
			if i < 0 {
				continue
			}
			m.asked, m.text = open[p.seq][i].at, string((&fieldReader{rest: p.body}).cstring())
			open[p.seq] = slices.Delete(open[p.seq], i, i+1)
			for _, number := range idNumbers(m.text, inHex(systemID, "message_id_format"), version.version) {
				of().named[number] = append(of().named[number], m)
			}
		case p.fromServer && p.command == 0x05:
			for _, id := range m.receipt(p.body) {
				m.text = id
				m.numbers = idNumbers(id, inHex(systemID, "message_id_format", "receipt_message_id_format"), version.version)
				of().receipts = append(of().receipts, m)
			}
		}
	}
	for _, unanswered := range open {
		for _, p := range unanswered {
			of().lost = append(of().lost, submitOf(p))
		}
	}
}

// receipt reads a deliver_sm. If it is a receipt it fills in the addresses and returns the ids that it names: that of the
// text (appendix B) and receipted_message_id.
func (m *mention) receipt(body []byte) (ids []string) {
	r := fieldReader{rest: body}
	r.cstring()
	r.octets(2)
	m.from = string(r.cstring())
	r.octets(2)
	m.to = string(r.cstring())
	class := r.octets(1)[0] & 0x3C
	r.octets(2)
	r.cstring()
	r.cstring()
	r.octets(4)
	text := r.octets(int(r.octets(1)[0]))
	if r.fault != "" || class != 0x04 && class != 0x20 { // a receipt, or an intermediate notification
		return nil
	}
	add := func(id []byte) {
		if s := string(id); s != "" && !slices.Contains(ids, s) {
			ids = append(ids, s)
		}
	}
	if _, after, found := bytes.Cut(text, []byte("id:")); found {
		id, _, _ := bytes.Cut(after, []byte(" "))
		add(id)
	}
	for len(r.rest) > 0 && r.fault == "" {
		head := r.octets(4)
		value := r.octets(int(binary.BigEndian.Uint16(head[2:])))
		if binary.BigEndian.Uint16(head) == 0x001E {
			add(bytes.TrimRight(value, "\x00"))
		}
	}
	return ids
}

// submitOf reads the addresses of a submit_sm, data_sm or submit_multi.
func submitOf(p wirePDU) lostSubmit {
	s := lostSubmit{at: p.at}
	r := fieldReader{rest: p.body}
	r.cstring()
	r.octets(2)
	s.source = string(r.cstring())
	n := 1
	if p.command == 0x21 {
		n = int(r.octets(1)[0])
	}
	for range n {
		if p.command == 0x21 && r.octets(1)[0] == 2 {
			r.cstring()
			s.list = true
			continue
		}
		r.octets(2)
		s.dests = append(s.dests, string(r.cstring()))
	}
	return s
}

// idNumbers are those that an id may stand for, by the client's settings: decimal or hexadecimal. To 3.3 clients, whose
// ids have 8 characters, a long decimal one is written in hexadecimal.
func idNumbers(id string, hex bool, version byte) (numbers []uint64) {
	n, err := strconv.ParseUint(id, 10, 64)
	if !hex && err == nil {
		numbers = append(numbers, n)
	}
	if hex || err != nil || version <= 0x33 {
		if n, err := strconv.ParseUint(id, 16, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// inHex tells whether one of these settings of an account is "hex".
func inHex(systemID string, keys ...string) bool {
	for _, f := range fixtures {
		for _, key := range keys {
			if f["system_id"] == systemID && f[key] == "hex" {
				return true
			}
		}
	}
	return false
}
