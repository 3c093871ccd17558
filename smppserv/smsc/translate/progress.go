package translate

import (
	"encoding/binary"
	"hash/crc32"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// cut is how a text was made into several deliver_sm. A part fits the others only while all of it stays the same.
type cut struct {
	alphabet smstext.Alphabet
	dcs      byte
	sar      bool // the parts are numbered by sar parameters, else by user data headers
	ref      byte

	several bool                  // it was made into several
	kept    bool                  // by an earlier try: it is to be done so again
	fresh   func(first byte) byte // chooses a reference: first, or one that is free
	first   byte
}

// number gives the parts their reference.
func (c *cut) number() byte {
	if !c.kept {
		c.ref = c.fresh(c.first)
	}
	c.several = true
	return c.ref
}

// Parts is a message as its deliver_sm, and which of these the client has.
type Parts struct {
	PDUs  []smpp.PDU
	cut   cut
	taken [(smstext.MaxParts + 7) / 8]byte // a bit for each
}

// Reference is the concatenation's; ok is false where the message is one deliver_sm.
func (p *Parts) Reference() (ref byte, ok bool) { return p.cut.ref, p.cut.several }

// Kept tells whether the parts are cut as an earlier try cut them, and have its reference.
func (p *Parts) Kept() bool { return p.cut.kept }

// Taken tells whether the client has the i-th.
func (p *Parts) Taken(i int) bool { return p.taken[i/8]&(1<<(i%8)) != 0 }

// Take notes that the client has the i-th.
func (p *Parts) Take(i int) { p.taken[i/8] |= 1 << (i % 8) }

// All tells whether the client has all of them.
func (p *Parts) All() bool {
	for i := range p.PDUs {
		if !p.Taken(i) {
			return false
		}
	}
	return true
}

// progressVersion leads what Progress returns:
//
//	version
//	alphabet data_coding, 1 if the parts are numbered by sar parameters, reference, number of parts
//	a checksum of the parts (4 octets)
//	a bit for each part: the client has it
const (
	progressVersion = 1
	progressHead    = 10
)

// Progress is what sms.Message.Progress keeps of a text in several deliver_sm, "" for one that is a single one.
func (p *Parts) Progress() string {
	if !p.cut.several {
		return ""
	}
	b := []byte{progressVersion, byte(p.cut.alphabet), p.cut.dcs, 0, p.cut.ref, byte(len(p.PDUs))}
	if p.cut.sar {
		b[3] = 1
	}
	b = binary.BigEndian.AppendUint32(b, checksum(p.PDUs))
	return string(append(b, p.taken[:(len(p.PDUs)+7)/8]...))
}

func checksum(pdus []smpp.PDU) uint32 {
	sum := crc32.NewIEEE()
	for _, p := range pdus {
		d := p.(*smpp.DeliverSM)
		_, _ = sum.Write([]byte{byte(len(d.ShortMessage))})
		_, _ = sum.Write(d.ShortMessage)
	}
	return sum.Sum32()
}

// Parts writes a message as the client and the version of its session want it: as one deliver_sm, or as one for each part of a
// long text. Of a text that was tried before, alphabet, cuts and reference stay as they were, so that the parts that the client
// has fit the others; where the session cannot carry them so, or the text is another one by now, the client has none of them, and
// they have a new reference. fresh chooses the reference of new parts: first, or one that is free. The error says in words why the
// message cannot be sent.
func (e ESME) Parts(m *sms.Message, fresh func(first byte) byte) (p Parts, err error) {
	p.cut = cut{fresh: fresh, first: byte(m.ID)}
	b := m.Progress
	if len(b) < progressHead || b[0] != progressVersion || len(b) != progressHead+(int(b[5])+7)/8 {
		p.PDUs, err = e.deliverSM(m, &p.cut)
		return p, err
	}
	kept := cut{alphabet: smstext.Alphabet(b[1]), dcs: b[2], sar: b[3] != 0, ref: b[4], kept: true}
	if e.Version >= smpp.V34 || !kept.sar {
		pdus, err := e.deliverSM(m, &kept)
		if err == nil && kept.several && len(pdus) == int(b[5]) && checksum(pdus) == binary.BigEndian.Uint32([]byte(b[6:progressHead])) {
			p.PDUs, p.cut = pdus, kept
			copy(p.taken[:], b[progressHead:])
			return p, nil
		}
	}
	p.cut.first = kept.ref + 1
	p.PDUs, err = e.deliverSM(m, &p.cut)
	return p, err
}

// DeliverSM is the PDUs of Parts for a message that was not tried, under a reference of its own.
func (e ESME) DeliverSM(m *sms.Message) ([]smpp.PDU, error) {
	return e.deliverSM(m, &cut{fresh: func(first byte) byte { return first }, first: byte(m.ID)})
}
