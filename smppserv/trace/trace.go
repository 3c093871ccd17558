// Package trace keeps the last PDUs of clients in memory, as they were on the wire, and writes them as pcapng.
//
//	session ── Record ──► ring of the client ── Write ──► mask ──► segment ──► pcapng
//
// A record holds the PDUs of all sessions of a client, its bind first, also of binds that were refused. It is switched on and off
// while the server runs, and is kept when it is switched off until it is switched on again. When a ring is full, or all of
// them are, the oldest PDUs go. Passwords never enter it; texts leave it only where they are asked for.
package trace

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/session"
)

// Options bound what is kept. What is 0 has its default.
type Options struct {
	PDUs   int // of a client, 0 = 20 000
	Octets int // of a client, with what keeping a PDU takes besides, 0 = 8 MiB
	All    int // octets of all clients together, 0 = 64 MiB
}

const (
	defaultPDUs   = 20_000
	defaultOctets = 8 << 20
	defaultAll    = 64 << 20
	// overhead is what keeping a PDU takes besides its octets.
	overhead = 128
)

// Traces are the records of clients. It implements session.Recorder.
type Traces struct {
	o  Options
	on atomic.Int32 // clients that are recorded

	mu     sync.Mutex
	rings  map[string]*ring
	octets int // of all rings
}

// New makes Traces that record nobody.
func New(o Options) *Traces {
	for _, d := range []struct {
		value  *int
		normal int
	}{{&o.PDUs, defaultPDUs}, {&o.Octets, defaultOctets}, {&o.All, defaultAll}} {
		if *d.value <= 0 {
			*d.value = d.normal
		}
	}
	return &Traces{o: o, rings: map[string]*ring{}}
}

// On tells whether a client is recorded.
func (t *Traces) On(systemID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rings[systemID]
	return r != nil && r.on
}

// Switch begins a record, which forgets the one before, or ends it. What is as it should be stays so.
func (t *Traces) Switch(systemID string, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rings[systemID]
	switch {
	case r != nil && r.on == on, r == nil && !on:
	case on:
		t.drop(systemID)
		t.rings[systemID] = &ring{on: true}
		t.on.Add(1)
	default:
		r.on = false
		t.on.Add(-1)
	}
}

// Retain forgets the records of clients that are no more.
func (t *Traces) Retain(known func(systemID string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for systemID, r := range t.rings {
		if known(systemID) {
			continue
		}
		t.drop(systemID)
		if r.on {
			t.on.Add(-1)
		}
	}
}

func (t *Traces) drop(systemID string) {
	if r := t.rings[systemID]; r != nil {
		t.octets -= r.octets
		delete(t.rings, systemID)
	}
}

// Recording implements session.Recorder.
func (t *Traces) Recording() bool { return t.on.Load() > 0 }

// Record implements session.Recorder.
func (t *Traces) Record(w session.Wire, octets []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rings[w.SystemID]
	if r == nil || !r.on {
		return
	}
	t.octets += r.add(record{session: w.Session, local: w.Local, remote: w.Remote, in: w.In, at: w.At, pdu: withoutPassword(octets)})
	for len(r.records)-r.first > t.o.PDUs || r.octets > t.o.Octets {
		t.octets -= r.forget()
	}
	for t.octets > t.o.All {
		t.octets -= t.largest().forget()
	}
}

// Erase drops the PDUs that match.
func (t *Traces) Erase(match func(pdu []byte) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rings {
		kept := slices.DeleteFunc(r.records[r.first:], func(one record) bool {
			if !match(one.pdu) {
				return false
			}
			r.octets -= one.size()
			t.octets -= one.size()
			return true
		})
		r.records = r.records[:r.first+len(kept)]
	}
}

// largest is the ring with most octets.
func (t *Traces) largest() (largest *ring) {
	for _, r := range t.rings {
		if largest == nil || r.octets > largest.octets {
			largest = r
		}
	}
	return largest
}

// record is a PDU as it was on the wire, but for its password.
type record struct {
	session       uint64
	local, remote net.Addr
	in            bool
	at            time.Time
	pdu           []byte
}

func (r *record) size() int { return len(r.pdu) + overhead }

// ring is the last PDUs of a client.
type ring struct {
	on      bool
	records []record // from first on, in the order in which they were taken down
	first   int
	octets  int
}

// add returns by how many octets the ring has grown.
func (r *ring) add(one record) int {
	if r.first > len(r.records)/2 && len(r.records) == cap(r.records) {
		n := copy(r.records, r.records[r.first:])
		clear(r.records[n:])
		r.records, r.first = r.records[:n], 0
	}
	r.records = append(r.records, one)
	r.octets += one.size()
	return one.size()
}

// forget drops the oldest PDU and returns by how many octets the ring has shrunk. There must be one.
func (r *ring) forget() int {
	size := r.records[r.first].size()
	r.records[r.first] = record{}
	r.first++
	r.octets -= size
	return size
}
