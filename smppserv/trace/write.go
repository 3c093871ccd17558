package trace

import (
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Write writes the record of a client as pcapng: each PDU as the TCP segments that would carry it in the clear, with the true
// addresses, ports and times. Texts are masked unless texts is set. It returns false where there is no record.
func (t *Traces) Write(to io.Writer, systemID string, texts bool) (bool, error) {
	records, ok := t.records(systemID)
	if !ok {
		return false, nil
	}
	// The writer takes its answers down before the reader has taken down the rest of what came at once.
	slices.SortStableFunc(records, func(a, b record) int { return a.at.Compare(b.at) })
	comment := "PDUs of SMPP client " + systemID + ", in the clear; Ethernet, IP and TCP around them are made up but for addresses, ports and times"
	if !texts {
		comment += "; texts are masked"
	}
	w, err := pcapgo.NewNgWriterInterface(to, pcapgo.NgInterface{Name: "smpp", LinkType: layers.LinkTypeEthernet, TimestampResolution: 9},
		pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "HNET SMPP Serv", Comment: comment}})
	if err != nil {
		return true, err
	}
	flows := map[uint64]*flow{}
	buf := gopacket.NewSerializeBuffer()
	for _, r := range records {
		f := flows[r.session]
		if f == nil {
			f = newFlow(r.local, r.remote)
			flows[r.session] = f
		}
		pdu := r.pdu
		if !texts {
			pdu = withoutText(pdu, !r.in)
		}
		for part := range slices.Chunk(pdu, maxSegment) {
			if err := f.segment(buf, r.in, part); err != nil {
				return true, err
			}
			octets := buf.Bytes()
			if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: r.at.Round(0), CaptureLength: len(octets), Length: len(octets)}, octets); err != nil {
				return true, err
			}
		}
	}
	return true, w.Flush()
}

// records are what is kept of a client now. Their octets are never written to again.
func (t *Traces) records(systemID string) ([]record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rings[systemID]
	if r == nil {
		return nil, false
	}
	return slices.Clone(r.records[r.first:]), true
}

const (
	maxSegment = 1440 // octets, so that a packet fits Ethernet over IPv6 too
	hops       = 64
)

// Addresses of Ethernet that nobody has: locally administered ones.
var (
	ourMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	peerMAC = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// flow is a TCP connection from the first PDU of it that is kept.
type flow struct {
	ours, peers netip.AddrPort
	sent, came  uint32 // the next sequence numbers
}

func newFlow(local, remote net.Addr) *flow {
	f := &flow{ours: endpoint(local), peers: endpoint(remote), sent: 1, came: 1}
	if f.ours.Addr().Is4() != f.peers.Addr().Is4() { // a load balancer of the other kind told the peer's
		f.ours, f.peers = mapped(f.ours), mapped(f.peers)
	}
	return f
}

// endpoint is where a connection ends. One that is not TCP ends nowhere.
func endpoint(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		if p := tcp.AddrPort(); p.IsValid() {
			return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port())
		}
	}
	return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
}

func mapped(p netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(p.Addr().As16()), p.Port())
}

// segment fills buf with a frame that carries part of a PDU.
func (f *flow) segment(buf gopacket.SerializeBuffer, in bool, part []byte) error {
	ethernet := &layers.Ethernet{SrcMAC: ourMAC, DstMAC: peerMAC}
	from, to, sequence, awaited := f.ours, f.peers, &f.sent, f.came
	if in {
		ethernet.SrcMAC, ethernet.DstMAC = peerMAC, ourMAC
		from, to, sequence, awaited = f.peers, f.ours, &f.came, f.sent
	}
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: *sequence, Ack: awaited, ACK: true, PSH: true, Window: 65535}
	*sequence += uint32(len(part))
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	var ip gopacket.SerializableLayer
	if from.Addr().Is4() {
		ethernet.EthernetType = layers.EthernetTypeIPv4
		v4 := &layers.IPv4{Version: 4, TTL: hops, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		if err := tcp.SetNetworkLayerForChecksum(v4); err != nil {
			return err
		}
		ip = v4
	} else {
		ethernet.EthernetType = layers.EthernetTypeIPv6
		v6 := &layers.IPv6{Version: 6, HopLimit: hops, NextHeader: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		if err := tcp.SetNetworkLayerForChecksum(v6); err != nil {
			return err
		}
		ip = v6
	}
	return gopacket.SerializeLayers(buf, options, ethernet, ip, tcp, gopacket.Payload(part))
}
