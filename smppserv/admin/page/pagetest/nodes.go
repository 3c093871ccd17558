package pagetest

import (
	"time"

	"hnetsmpp/pkg/adminapi"
)

var missing = adminapi.Say("the node %s does not answer: what it alone knows is left out", "SRV-SMS-03")

// nodes are those on the store: this one, one that is well, and one that is silent.
func (f *Fake) nodes() []adminapi.Node {
	first := adminapi.Node{Name: "SRV-SMS-01", Self: true, Leader: true, Since: f.ago(76 * time.Hour), Sessions: 4, Waiting: 52, Version: "2.0.0"}
	if !f.Several {
		return []adminapi.Node{first}
	}
	first.Epoch, first.Lag, first.Address = 12, 400, "10.20.9.11:8346"
	silent := adminapi.Say("Hermès does not take messages since %s: %s. It is being probed now", f.ago(12*time.Minute), adminapi.Verbatim("connection refused"))
	first.Parts = []adminapi.Part{{Name: adminapi.PartHermes, Level: adminapi.Bad, Since: f.ago(12 * time.Minute), Text: silent}}
	return []adminapi.Node{first,
		{Name: "SRV-SMS-02", Epoch: 14, Address: "10.20.9.12:8346", Since: f.ago(30 * time.Hour), Lag: 1200, Sessions: 2, Waiting: 3, Version: "2.0.0", Differs: []string{"clients", "hermes"},
			Parts: []adminapi.Part{{Name: adminapi.PartHermes, Level: adminapi.Good, Text: adminapi.Say("Hermès answers")}, {Name: adminapi.PartDisk, Level: adminapi.Warning, Text: adminapi.Say("only %s are free", adminapi.Size(1<<30))}}},
		{Name: "SRV-SMS-03", Epoch: 11, Address: "10.20.9.13:8346", Since: f.ago(76 * time.Hour), Lag: 5000, Sessions: 1, Waiting: 9, Version: "1.9.0",
			Missing: adminapi.Say("it does not answer; sessions and what waits are as it said last")}}
}

// Share has the second session of each client be another node's, of the same number as one here, and what waits be held by two nodes.
func (f *Fake) Share() {
	f.Lock()
	defer f.Unlock()
	f.Several = true
	for i := range f.All {
		for j := range f.All[i].Sessions {
			s := &f.All[i].Sessions[j]
			if s.Node = "SRV-SMS-01"; j == 1 {
				s.Node, s.ID = "SRV-SMS-02", f.All[i].Sessions[0].ID
			}
		}
		if w := &f.All[i].Waiting; w.Count > 1 {
			w.Nodes = []adminapi.WaitingAt{{Node: "SRV-SMS-02", Count: w.Count - 1, Oldest: w.Oldest, Why: w.Why}, {Node: "SRV-SMS-01", Count: 1, Oldest: w.Oldest, Why: w.Why}}
		}
	}
	for i := range f.Stored {
		if m := &f.Stored[i]; m.Final.IsZero() {
			m.Node = "SRV-SMS-02"
		}
	}
}
