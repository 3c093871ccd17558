package store

import (
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// full is a message with something in everything that the attributes column keeps.
func full(kind sms.Kind) *sms.Message {
	m := &sms.Message{Kind: kind, Source: sms.Address{TON: 1, NPI: 2}, Dest: sms.Address{TON: 3, NPI: 4}, ESMClass: 5, ProtocolID: 6,
		Priority: 7, RegisteredDelivery: 8, DataCoding: 9, InterfaceVersion: 0x50, Part: sms.Part{Ref: 0x1234, Total: 3, Seq: 2},
		Accepted: sms.Acceptance{Session: 1 << 33, Command: 4, Sequence: 1 << 30, Remote: "[::1]:50000"},
		KnownBy:  1 << 40, ServiceType: "CMT", Alphabet: "ucs2", ExternalID: "h-1", TLVs: []byte{2, 4, 0, 2, 0xBE, 0xEF},
		StoredAt: time.UnixMilli(1_700_000_000_000), ReceivedAt: time.UnixMilli(1_700_000_000_500)}
	if kind != sms.KindText {
		m.Receipt = &sms.Receipt{Of: 1 << 50, State: sms.Undeliverable, Error: -7, ExternalID: "h-2",
			SubmittedAt: time.UnixMilli(1_700_000_000_123), DoneAt: time.UnixMilli(1_700_000_001_456)}
	}
	return m
}

func TestAttributesComeBackAsTheyWere(t *testing.T) {
	var all []*sms.Message
	for _, set := range []bool{false, true} {
		m := full(sms.KindText)
		m.SetDPF = set
		all = append(all, m)
		for _, dpf := range []bool{false, true} {
			for _, away := range []bool{false, true} {
				m := full(sms.KindReceipt)
				m.SetDPF, m.Receipt.DPF, m.Receipt.Away = set, dpf, away
				all = append(all, m)
			}
		}
	}
	period := full(sms.KindText)
	period.Period = true
	all = append(all, period, &sms.Message{})
	for i, m := range all {
		got := &sms.Message{Kind: m.Kind, ReceivedAt: m.FirstReceived()} // as the row has it
		if err := DecodeAttributes(AppendAttributes(nil, m), got, &Names{}); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%d: %v\ngot  %+v %+v\nwant %+v %+v", i, err, got, got.Receipt, m, m.Receipt)
		}
	}
}

func TestADamagedAttributesColumnIsRefused(t *testing.T) {
	for _, kind := range []sms.Kind{sms.KindText, sms.KindReceipt} {
		b := AppendAttributes(nil, full(kind))
		for n := range b {
			if err := DecodeAttributes(b[:n:n], &sms.Message{Kind: kind}, &Names{}); !errors.Is(err, errAttributes) {
				t.Errorf("kind %d: %d of %d octets: %v", kind, n, len(b), err)
			}
		}
		for _, version := range []byte{0, 6, 255} {
			b[0] = version
			if err := DecodeAttributes(b, &sms.Message{Kind: kind}, &Names{}); !errors.Is(err, errAttributes) {
				t.Errorf("kind %d: version %d: %v", kind, version, err)
			}
		}
	}
}

// A damaged store, or one that somebody else wrote to, may have anything there.
func FuzzAttributes(f *testing.F) {
	for _, kind := range []sms.Kind{sms.KindText, sms.KindReceipt} {
		m := full(kind)
		b := AppendAttributes(nil, m)
		f.Add(b, kind != sms.KindText)
		for _, version := range []byte{1, 2, 3} {
			f.Add(asVersion(version, b, m), kind != sms.KindText)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, receipt bool) {
		message := func() *sms.Message {
			m := &sms.Message{ReceivedAt: time.UnixMilli(1_700_000_000_500)}
			if receipt {
				m.Kind = sms.KindReceipt
			}
			return m
		}
		first := message()
		if err := DecodeAttributes(b, first, &Names{}); err != nil {
			if !errors.Is(err, errAttributes) {
				t.Errorf("%x: %v", b, err)
			}
			return
		}
		written := AppendAttributes(nil, first)
		again := message()
		again.ReceivedAt = first.FirstReceived() // as the row has it
		if err := DecodeAttributes(written, again, &Names{}); err != nil || string(AppendAttributes(nil, again)) != string(written) {
			t.Errorf("%x: written anew as %x, and then as %x, %v", b, written, AppendAttributes(nil, again), err)
		}
	})
}

// asVersion is what an earlier version wrote in the place of b: 3 did not keep how a message was accepted, 2 knew of no first storing,
// 1 had no flags either.
func asVersion(version byte, b []byte, m *sms.Message) []byte {
	stored := len(binary.AppendVarint(nil, Milli(m.ReceivedAt)-Milli(m.StoredAt)))
	at := 1 + fixedAttributes + len(binary.AppendUvarint(nil, uint64(m.KnownBy)))
	a := m.Accepted
	accepted := appendString(binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(nil, a.Session), uint64(a.Command)), uint64(a.Sequence)), a.Remote)
	b = slices.Clone(b[:len(b)-len(accepted)])
	if version < 3 {
		b = slices.Delete(b, at, at+stored)
	}
	if version == 1 {
		b = slices.Delete(b, 1, 2)
	}
	b[0] = version
	return b
}

// What version 1 wrote has no flags: whatever is no text has its receipt.
func TestAttributesOfEarlierVersionsAreStillRead(t *testing.T) {
	for _, version := range []byte{1, 2, 3} {
		for _, kind := range []sms.Kind{sms.KindText, sms.KindReceipt, sms.KindIntermediate} {
			m := full(kind)
			b := asVersion(version, AppendAttributes(nil, m), m)
			got := &sms.Message{Kind: kind, ReceivedAt: m.StoredAt}
			m.Accepted = sms.Acceptance{}
			if version < 3 {
				m.StoredAt, m.ReceivedAt = time.Time{}, m.StoredAt
			}
			if err := DecodeAttributes(b, got, &Names{}); err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("version %d, kind %d: %v\ngot  %+v %+v\nwant %+v %+v", version, kind, err, got, got.Receipt, m, m.Receipt)
			}
			if version == 3 {
				continue
			}
			if m.ID = 7; m.Key() != "7" {
				t.Errorf("version %d, kind %d: its key is %s", version, kind, m.Key())
			}
			again := &sms.Message{Kind: kind} // replaced now
			if err := DecodeAttributes(AppendAttributes(nil, got), again, &Names{}); err != nil || !again.StoredAt.IsZero() {
				t.Errorf("version %d, kind %d: written anew it was stored at %v, %v", version, kind, again.StoredAt, err)
			}
		}
	}
}

func TestATimeThatIsNotSetIsZeroOnDisk(t *testing.T) {
	if got := Milli(time.Time{}); got != 0 {
		t.Errorf("got %d", got)
	}
	if got := Milli(time.UnixMilli(-1)); got != -1 {
		t.Errorf("got %d", got)
	}
}
