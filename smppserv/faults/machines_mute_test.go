package faults

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// faltering is a receiver that answers enquire_link, and so many deliver_sm, but none after these until it heals.
type faltering struct {
	conn net.Conn

	mu       sync.Mutex
	answers  int
	taken    []*smpp.DeliverSM // that it answered
	open     int               // that it did not
	sequence uint32            // of the last one of these
}

func startFaltering(t *testing.T, addr, client string, answers int) *faltering {
	t.Helper()
	u := &faltering{conn: testkit.Bind(t, addr, smpp.CmdBindReceiver, client, testkit.Password).Conn(), answers: answers}
	if err := u.conn.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go u.read()
	return u
}

func (u *faltering) read() {
	for {
		h, body, err := smpp.ReadPDU(u.conn, smpp.MaxPDU)
		if err != nil {
			return
		}
		p, err := smpp.Decode(h, body)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *smpp.EnquireLink:
			_, err = u.conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.EnquireLinkResp{}))
		case *smpp.DeliverSM:
			if u.takes(h.Sequence, p) {
				_, err = u.conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{}))
			}
		}
		if err != nil {
			return
		}
	}
}

func (u *faltering) takes(sequence uint32, d *smpp.DeliverSM) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.taken) == u.answers {
		u.open, u.sequence = u.open+1, sequence
		return false
	}
	u.taken = append(u.taken, d)
	return true
}

// count tells how many it answered, and how many it did not.
func (u *faltering) count() (taken, open int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.taken), u.open
}

// heal has it answer, the last one that it left open included.
func (u *faltering) heal(t *testing.T) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers = math.MaxInt
	if _, err := u.conn.Write(smpp.AppendPDU(nil, smpp.ROK, u.sequence, &smpp.DeliverSMResp{})); err != nil {
		t.Fatal(err)
	}
}

func TestMachinesWhatASessionLeavesUnansweredGoesThroughTheOneAtAnother(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) {
		s["server.response_timeout"] = "500ms"
		s["clients"] = []map[string]any{{"system_id": "m1", "password": testkit.Password, "bind_policy": "pair"}}
	})
	m.start(0, 1)
	const conversations, each = 20, 5
	var handed []string
	reply := func(node, conversation, number int) {
		text := fmt.Sprintf("n%d conversation %03d no. %02d", node+1, conversation, number)
		line := fmt.Sprintf(`{"from":"36001","to":"336987%d%03d","text":%q}`, node, conversation, text)
		if answer := handIn(t, m.tcp[node], line); !strings.Contains(answer, "accepted") {
			t.Fatalf("%s: %s", line, answer)
		}
		handed = append(handed, text)
	}

	// Of a text in three, it answers the first deliver_sm.
	mute := startFaltering(t, m.smpp[0], "m1", 1)
	const letters = 153
	handIn(t, m.tcp[0], fmt.Sprintf(`{"from":"36001","to":"33698799999","text":%q}`, strings.Repeat("a", letters)+strings.Repeat("b", letters)+strings.Repeat("c", letters)))
	testkit.Await(t, "two of the three are left unanswered", func() bool { _, open := mute.count(); return open >= 2 })
	for n := range each {
		for c := range conversations {
			reply(0, c, n)
		}
	}
	_, before := mute.count()
	testkit.Await(t, "it is written to as long as it is alone", func() bool { _, open := mute.count(); return open > before+conversations })

	well := startFaltering(t, m.smpp[1], "m1", math.MaxInt)
	for c := range conversations { // at each, meanwhile
		reply(0, c, each)
		reply(1, c, 0)
	}
	owed := func() int { return len(handed) + 2 }
	testkit.Await(t, "all comes through the other session", func() bool { taken, _ := well.count(); return taken >= owed() })
	_, before = mute.count()
	for c := range conversations { // what comes in now goes there at once
		reply(0, c, each+1)
	}
	testkit.Await(t, "all that came later does", func() bool { taken, _ := well.count(); return taken >= owed() })
	testkit.Await(t, "nothing waits", func() bool {
		return pg.Value(t, m.database(), "SELECT count(*) FROM messages WHERE final_at IS NULL") == "0"
	})
	_, open := mute.count()
	if open != before {
		t.Errorf("%d more went to the session that is mute", open-before)
	}
	var parts, came []string
	last := map[string]string{}
	well.mu.Lock()
	for _, d := range well.taken {
		text := string(d.ShortMessage)
		if d.ESMClass&smpp.ESMUDHI != 0 {
			parts = append(parts, text[6:7])
			continue
		}
		came = append(came, text)
		conversation, _, _ := strings.Cut(text, " no. ")
		if last[conversation] >= text {
			t.Errorf("%q came after %q", text, last[conversation])
		}
		last[conversation] = text
	}
	well.mu.Unlock()
	if slices.Sort(parts); !slices.Equal(parts, []string{"b", "c"}) {
		t.Errorf("of the long text came %q, and all but its first part was owed", parts)
	}
	slices.Sort(came)
	if slices.Sort(handed); !slices.Equal(came, handed) {
		t.Errorf("%d came, of %d", len(came), len(handed))
	}
	t.Logf("the session that is mute was written to %d times", open)
	toll{sent: len(handed), acknowledged: len(handed), lost: len(handed) - len(came)}.tell(t)

	mute.heal(t) // what comes in there is written there again
	for n := range 100 {
		reply(0, conversations+n, 0)
		healed := false
		testkit.Await(t, "it comes", func() bool {
			there, _ := well.count()
			here, _ := mute.count()
			healed = here > 1
			return healed || there >= owed()
		})
		if healed {
			return
		}
	}
	t.Error("nothing is written to the session that answers again")
}
