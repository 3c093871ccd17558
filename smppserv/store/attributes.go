package store

import (
	"encoding/binary"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"
)

// attributesVersion leads every attributes column:
//
//	version
//	flags, from version 2 on
//	source ton npi, destination ton npi
//	esm_class protocol_id priority registered_delivery data_coding interface_version
//	part: ref (2 octets) total seq
//	id that the submitter knows it by, as a uvarint, 0 = its own
//	how long after received_at it was replaced, in milliseconds as a varint, 0 = never; from version 3 on
//	service_type alphabet external_id TLVs, each with its length as a uvarint
//	when the flags say so, of a receipt: id (8 octets) state error (4) submitted (8) done (8) external_id
//	how it was accepted: session command_id sequence_number as uvarints, remote address; from version 4 on
//
// SealedVersion is version 4 with the TLVs sealed, in a row whose content is; see Keys.
const (
	attributesVersion = 4
	SealedVersion     = 5
)

const (
	flagReceipt = 1 << iota
	flagSetDPF
	flagDPF  // of the receipt
	flagAway // of the receipt
	flagPeriod
	flagBareKey // an earlier version stored it: its key is its id, whenever it came
)

// formShift is where the flags have the PartForm; version 3 had zero there once.
const formShift = 6

const fixedAttributes = 15 // without the flags

var errAttributes = errors.New("the attributes column is not one of ours: the row is damaged or of a newer version")

// AppendAttributes appends what of a message has no column of its own: the attributes column of its row.
func AppendAttributes(dst []byte, m *sms.Message) []byte {
	return appendAttributes(dst, m, attributesVersion, m.TLVs)
}

func appendAttributes(dst []byte, m *sms.Message, version byte, tlvs []byte) []byte {
	flags := byte(m.PartForm) << formShift
	if m.SetDPF {
		flags |= flagSetDPF
	}
	if m.Period {
		flags |= flagPeriod
	}
	if m.StoredAt.IsZero() {
		flags |= flagBareKey
	}
	if m.Receipt != nil {
		flags |= flagReceipt
		if m.Receipt.DPF {
			flags |= flagDPF
		}
		if m.Receipt.Away {
			flags |= flagAway
		}
	}
	dst = append(dst, version, flags, m.Source.TON, m.Source.NPI, m.Dest.TON, m.Dest.NPI,
		m.ESMClass, m.ProtocolID, m.Priority, m.RegisteredDelivery, m.DataCoding, m.InterfaceVersion)
	dst = binary.BigEndian.AppendUint16(dst, m.Part.Ref)
	dst = append(dst, m.Part.Total, m.Part.Seq)
	dst = binary.AppendUvarint(dst, uint64(m.KnownBy))
	dst = binary.AppendVarint(dst, Milli(m.ReceivedAt)-Milli(m.FirstReceived()))
	dst = appendString(dst, m.ServiceType)
	dst = appendString(dst, m.Alphabet)
	dst = appendString(dst, m.ExternalID)
	dst = appendString(dst, tlvs)
	if r := m.Receipt; r != nil {
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Of))
		dst = append(dst, byte(r.State))
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.Error))
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.SubmittedAt.UnixMilli()))
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.DoneAt.UnixMilli()))
		dst = appendString(dst, r.ExternalID)
	}
	dst = binary.AppendUvarint(dst, m.Accepted.Session)
	dst = binary.AppendUvarint(dst, uint64(m.Accepted.Command))
	dst = binary.AppendUvarint(dst, uint64(m.Accepted.Sequence))
	return appendString(dst, m.Accepted.Remote)
}

func appendString[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// DecodeAttributes sets what AppendAttributes wrote of m; Kind and, as the row has it, ReceivedAt are set by then.
// m keeps nothing of b. Where it has a Receipt or TLVs, their memory is used again.
func DecodeAttributes(b []byte, m *sms.Message, names *Names) error {
	if len(b) <= fixedAttributes {
		return errAttributes
	}
	var flags byte
	version := b[0]
	switch {
	case version == 0 || version > SealedVersion:
		return errAttributes
	case version > 1:
		flags, b = b[1], b[1:]
	case m.Kind != sms.KindText:
		flags = flagReceipt
	}
	m.PartForm = sms.PartForm(flags >> formShift)
	m.SetDPF, m.Period = flags&flagSetDPF != 0, flags&flagPeriod != 0
	m.Source.TON, m.Source.NPI, m.Dest.TON, m.Dest.NPI = b[1], b[2], b[3], b[4]
	m.ESMClass, m.ProtocolID, m.Priority, m.RegisteredDelivery, m.DataCoding, m.InterfaceVersion = b[5], b[6], b[7], b[8], b[9], b[10]
	m.Part = sms.Part{Ref: binary.BigEndian.Uint16(b[11:]), Total: b[13], Seq: b[14]}
	known, size := binary.Uvarint(b[fixedAttributes:])
	if size <= 0 {
		return errAttributes
	}
	m.KnownBy = sms.ID(known)
	b = b[fixedAttributes+size:]
	if version > 2 {
		replaced, size := binary.Varint(b)
		if size <= 0 {
			return errAttributes
		}
		if flags&flagBareKey == 0 {
			m.StoredAt = m.ReceivedAt
		}
		m.ReceivedAt = m.ReceivedAt.Add(time.Duration(replaced) * time.Millisecond) // the row keeps the first one
		b = b[size:]
	}
	ok := true
	next := func() []byte {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			ok = false
			return nil
		}
		s := b[size : size+int(n)]
		b = b[size+int(n):]
		return s
	}
	m.ServiceType, m.Alphabet, m.ExternalID = names.Of(next()), names.Of(next()), string(next())
	m.TLVs = append(m.TLVs[:0], next()...)
	r := m.Receipt
	m.Receipt = nil
	if flags&flagReceipt != 0 && ok {
		if len(b) < 29 {
			return errAttributes
		}
		if r == nil {
			r = &sms.Receipt{}
		}
		*r = sms.Receipt{
			Of:          sms.ID(binary.BigEndian.Uint64(b)),
			State:       sms.State(b[8]),
			Error:       int(int32(binary.BigEndian.Uint32(b[9:]))),
			SubmittedAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b[13:]))),
			DoneAt:      time.UnixMilli(int64(binary.BigEndian.Uint64(b[21:]))),
			DPF:         flags&flagDPF != 0,
			Away:        flags&flagAway != 0,
		}
		b = b[29:]
		r.ExternalID = string(next())
		m.Receipt = r
	}
	if version > 3 {
		number := func() uint64 {
			n, size := binary.Uvarint(b)
			if size <= 0 {
				ok = false
				return 0
			}
			b = b[size:]
			return n
		}
		m.Accepted = sms.Acceptance{Session: number(), Command: uint32(number()), Sequence: uint32(number()), Remote: names.Of(next())}
	}
	if !ok {
		return errAttributes
	}
	return nil
}

// Names has one string for each short text that comes in row after row, such as a system_id. It is for one goroutine.
type Names struct{ known map[string]string }

const (
	maxNames   = 1000
	nameOctets = 64 // of what is longer each gets a string of its own
)

// Of is the string of these octets.
func (n *Names) Of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if name, ok := n.known[string(b)]; ok {
		return name
	}
	name := string(b)
	if len(name) > nameOctets {
		return name
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]string{}
	}
	n.known[name] = name
	return name
}
