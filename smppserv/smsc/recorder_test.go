package smsc

import (
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/trace"
)

func TestTheSessionsOfAClientAreRecordedAndNobodyElses(t *testing.T) {
	traces := trace.New(trace.Options{})
	traces.Switch("alice", true)
	r := newRig(t, func(_ *rig, o *Options) { o.Recorder = traces })
	alice, bob := r.bind(smpp.CmdBindTransceiver, "alice"), r.bind(smpp.CmdBindTransceiver, "bob")
	alice.Send(&smpp.EnquireLink{})
	alice.Read(patience)
	bob.Send(&smpp.EnquireLink{})
	bob.Read(patience)
	var sizes [2]counted
	for i, systemID := range []string{"alice", "bob"} {
		ok, err := traces.Write(&sizes[i], systemID, false)
		if err != nil || ok != (i == 0) {
			t.Errorf("%s: a record %t, %v", systemID, ok, err)
		}
	}
	if sizes[0] < 4*60 || sizes[1] > 0 {
		t.Errorf("%d octets of alice, %d of bob", sizes[0], sizes[1])
	}
}

// counted counts what is written to it.
type counted int

func (c *counted) Write(b []byte) (int, error) { *c += counted(len(b)); return len(b), nil }
