package trace

import (
	"bytes"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
)

var addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2346}

func wire(systemID string) session.Wire {
	return session.Wire{Session: 1, SystemID: systemID, Local: addr, Remote: addr, In: true, At: time.Now()}
}

func link(sequence uint32) []byte { return smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, sequence) }

// sequences are those of what is kept of a client.
func sequences(tr *Traces, systemID string) (all []uint32) {
	records, _ := tr.records(systemID)
	for _, r := range records {
		all = append(all, smpp.ParseHeader(r.pdu).Sequence)
	}
	return all
}

func TestARingKeepsTheLastPDUsWithinItsBounds(t *testing.T) {
	size := len(link(0)) + overhead
	for _, c := range []struct {
		name string
		o    Options
		want int
	}{{"PDUs", Options{PDUs: 10}, 10}, {"octets", Options{Octets: 10*size + 1}, 10}, {"octets of all", Options{All: 10 * size}, 10}} {
		tr := New(c.o)
		tr.Switch("a", true)
		for n := range uint32(1000) {
			tr.Record(wire("a"), link(n))
			r := tr.rings["a"]
			if kept := len(r.records) - r.first; kept > c.want || r.octets != kept*size || tr.octets != r.octets || cap(r.records) > 8*c.want {
				t.Fatalf("%s: %d PDUs, %d octets, %d in all, room for %d", c.name, kept, r.octets, tr.octets, cap(r.records))
			}
		}
		if got := sequences(tr, "a"); len(got) != c.want || got[0] != 990 || got[9] != 999 {
			t.Errorf("%s: kept %v", c.name, got)
		}
	}
}

// Many clients that are recorded share the memory: who has most gives way, and no other client's record is lost.
func TestAllRingsTogetherStayWithinTheirBound(t *testing.T) {
	tr := New(Options{All: 100 * 1000})
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		tr.Switch(name, true)
		tr.Record(wire(name), link(1))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range uint32(5000) {
		tr.Record(wire("a"), append(link(n), make([]byte, rnd.IntN(1000))...))
		if tr.octets > 100*1000 {
			t.Fatalf("%d octets are kept", tr.octets)
		}
	}
	for _, name := range names[1:] {
		if got := sequences(tr, name); len(got) != 1 {
			t.Errorf("of %s is left %v", name, got)
		}
	}
	tr.Record(wire("b"), make([]byte, smpp.MaxPDU))
	if tr.octets > 100*1000 {
		t.Errorf("%d octets", tr.octets)
	}
}

func TestARecordIsKeptUntilTheNextOneBegins(t *testing.T) {
	tr := New(Options{})
	var out bytes.Buffer
	if ok, err := tr.Write(&out, "a", true); ok || err != nil || out.Len() > 0 {
		t.Errorf("nobody switched it on: %t, %v, %d octets", ok, err, out.Len())
	}
	tr.Record(wire("a"), link(1))
	tr.Switch("a", false)
	if tr.On("a") || tr.Recording() || len(tr.rings) > 0 {
		t.Error("it records though it was never switched on")
	}
	tr.Switch("a", true)
	tr.Record(wire("a"), link(2))
	tr.Record(wire("b"), link(3))
	tr.Switch("a", true)
	if got := sequences(tr, "a"); !tr.On("a") || tr.On("b") || len(got) != 1 || got[0] != 2 {
		t.Errorf("on %t, kept %v", tr.On("a"), got)
	}
	tr.Switch("a", false)
	tr.Switch("a", false)
	tr.Record(wire("a"), link(4))
	if got := sequences(tr, "a"); tr.Recording() || len(got) != 1 {
		t.Errorf("on %t, kept %v", tr.Recording(), got)
	}
	tr.Switch("a", true)
	if got := sequences(tr, "a"); len(got) != 0 || tr.octets != 0 || !tr.Recording() {
		t.Errorf("kept %v", got)
	}
	tr.Record(wire("a"), link(5))
	tr.Retain(func(systemID string) bool { return systemID == "b" })
	if _, ok := tr.records("a"); ok || tr.Recording() || tr.octets != 0 {
		t.Error("a client that is no more is recorded")
	}
}

func TestARecordOfNothingIsAFileThatTsharkReads(t *testing.T) {
	tr := New(Options{})
	tr.Switch("a", true)
	if got := tshark(t, written(t, tr, "a", false), []int{2346}, "frame"); got != "" {
		t.Errorf("got %s", got)
	}
}

func BenchmarkNothingIsRecorded(b *testing.B) {
	tr := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		if tr.Recording() {
			b.Fatal("it records")
		}
	}
}

func TestPDUsWithANumberAreDroppedFromTheRecords(t *testing.T) {
	tr := New(Options{})
	tr.Switch("a", true)
	w := wire("a")
	for i := range uint32(10) {
		number := "33612345678"
		if i%2 == 0 {
			number = "33698765432"
		}
		tr.Record(w, smpp.AppendPDU(nil, 0, i, smpptest.NewSubmit(number, "3600", "x")))
	}
	tr.Erase(func(pdu []byte) bool { return bytes.Contains(pdu, []byte("33612345678")) })
	tr.Record(w, smpp.AppendPDU(nil, 0, 10, smpptest.NewSubmit("33698765432", "3600", "x")))
	capture := written(t, tr, "a", true)
	if gone, kept := bytes.Count(capture, []byte("33612345678")), bytes.Count(capture, []byte("33698765432")); gone != 0 || kept != 6 {
		t.Errorf("%d and %d", gone, kept)
	}
	r := tr.rings["a"]
	size := 0
	for _, one := range r.records[r.first:] {
		size += one.size()
	}
	if r.octets != size || tr.octets != size {
		t.Errorf("counted are %d and %d octets, there are %d", r.octets, tr.octets, size)
	}
}
