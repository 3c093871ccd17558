package conformance

import (
	"bufio"
	"encoding/binary"
	"flag"
	"os"
	"slices"
	"time"
)

var captureFlag = flag.String("capture", "", "TestConformance writes what went over all connections to this pcap `file`")

const (
	linkTypeRaw = 101   // packets begin with the IP header
	smppPort    = 2346  // what the server's port is in the capture
	maxSegment  = 60000 // octets of one fabricated segment
)

const (
	tcpFIN = 1 << iota
	tcpSYN
	_
	tcpPSH
	tcpACK
)

// A segment is a fabricated TCP segment.
type segment struct {
	at         time.Time
	client     int // number of the connection
	fromServer bool
	flags      byte
	seq, ack   uint32
	octets     []byte
}

// writePcap writes recordings as if each had been a TCP connection from an address of its own.
func writePcap(path string, recordings []*recording) error {
	var all []segment
	for i, r := range recordings {
		all = append(all, segmentsOf(i, r)...)
	}
	slices.SortStableFunc(all, func(a, b segment) int { return a.at.Compare(b.at) })
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xA1B2C3D4)
	head = le.AppendUint16(head, 2)
	head = le.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = le.AppendUint32(head, 65535)
	out.Write(le.AppendUint32(head, linkTypeRaw))
	for _, s := range all {
		packet := s.packet()
		b := le.AppendUint32(nil, uint32(s.at.Unix()))
		b = le.AppendUint32(b, uint32(s.at.Nanosecond()/1000))
		b = le.AppendUint32(b, uint32(len(packet)))
		b = le.AppendUint32(b, uint32(len(packet)))
		out.Write(append(b, packet...))
	}
	return out.Flush() // a bufio.Writer keeps its first error
}

// segmentsOf gives a recording the handshake, the sequence numbers and the end of a TCP connection.
func segmentsOf(number int, r *recording) (list []segment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 {
		return nil
	}
	next := [2]uint32{1000, 2000} // of client and server
	add := func(at time.Time, fromServer bool, flags byte, octets []byte) {
		own, other := 0, 1
		if fromServer {
			own, other = 1, 0
		}
		s := segment{at, number, fromServer, flags | tcpACK, next[own], next[other], octets}
		next[own] += uint32(len(octets))
		if flags&(tcpSYN|tcpFIN) != 0 {
			next[own]++
		}
		list = append(list, s)
	}
	start := r.events[0].at
	add(start, false, tcpSYN, nil)
	list[0].flags, list[0].ack = tcpSYN, 0
	add(start, true, tcpSYN, nil)
	add(start, false, 0, nil)
	last := start
	for _, e := range r.events {
		for part := range slices.Chunk(e.octets, maxSegment) {
			add(e.at, e.fromServer, tcpPSH, part)
		}
		last = e.at
	}
	if r.ended.After(last) {
		last = r.ended
	}
	add(last, false, tcpFIN, nil)
	add(last, true, tcpFIN, nil)
	return list
}

// packet is the segment with its IPv4 and TCP headers.
func (s segment) packet() []byte {
	const ipHeader, tcpHeader = 20, 20
	client := []byte{10, 0, byte(s.client >> 8), byte(s.client)}
	server := []byte{10, 1, 0, 1}
	source, dest := client, server
	sourcePort, destPort := uint16(20000+s.client%40000), uint16(smppPort)
	if s.fromServer {
		source, dest = dest, source
		sourcePort, destPort = destPort, sourcePort
	}
	be := binary.BigEndian
	b := []byte{0x45, 0}
	b = be.AppendUint16(b, uint16(ipHeader+tcpHeader+len(s.octets)))
	b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0)
	b = append(append(b, source...), dest...)
	be.PutUint16(b[10:], onesComplement(b))
	b = be.AppendUint16(b, sourcePort)
	b = be.AppendUint16(b, destPort)
	b = be.AppendUint32(b, s.seq)
	b = be.AppendUint32(b, s.ack)
	b = append(b, tcpHeader/4<<4, s.flags, 0xFF, 0xFF, 0, 0, 0, 0)
	b = append(b, s.octets...)
	pseudo := append(append([]byte{}, b[12:20]...), 0, 6)
	pseudo = be.AppendUint16(pseudo, uint16(tcpHeader+len(s.octets)))
	be.PutUint16(b[ipHeader+16:], onesComplement(append(pseudo, b[ipHeader:]...)))
	return b
}

// onesComplement is the checksum of IP and TCP (RFC 1071).
func onesComplement(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xFFFF {
		sum = sum&0xFFFF + sum>>16
	}
	return ^uint16(sum)
}
