package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// agents are Hermès' agents, who write to the clients in turn and hand in again, under the same id, what was not answered.
type agents struct {
	ledger  *ledger
	addr    string
	clients []string
	every   time.Duration
	sent    uint64 // of their texts so many, some of them again

	quiet, stop, ended chan struct{}
}

// startAgents starts them; they end with the test, and write nothing more once quiet is closed.
func startAgents(t *testing.T, a *ledger, addr string, clients []string, every time.Duration) *agents {
	g := &agents{ledger: a, addr: addr, clients: clients, every: every, quiet: make(chan struct{}), stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		for number := uint64(0); !closed(g.stop); {
			g.connection(&number)
			select {
			case <-g.stop:
			case <-time.After(reconnectAfter):
			}
		}
	}()
	t.Cleanup(func() {
		close(g.stop)
		<-g.ended
	})
	return g
}

// connection hands in one text after the other, number first, until it is lost.
func (g *agents) connection(number *uint64) {
	conn, err := net.DialTimeout("tcp", g.addr, testkit.Patience)
	if err != nil {
		return
	}
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() { // unblocks reads
		select {
		case <-g.stop:
		case <-over:
		}
		conn.Close()
	}()
	answers := json.NewDecoder(bufio.NewReader(conn))
	for {
		select {
		case <-g.quiet:
			<-g.stop
			return
		case <-time.After(g.every):
		}
		client := g.clients[*number%uint64(len(g.clients))]
		line := map[string]any{"id": fmt.Sprintf("soak-%d", *number), "from": campaign, "to": fmt.Sprintf("337%08d", *number%10_000),
			"client": client, "text": fmt.Sprintf(agentText, client, *number)}
		if *number == g.sent {
			g.sent++
			g.ledger.wrote()
		}
		if err := json.NewEncoder(conn).Encode(line); err != nil {
			return
		}
		var answer struct{ Status, Code, Error string }
		if err := answers.Decode(&answer); err != nil {
			return
		}
		switch {
		case answer.Status == "accepted":
			g.ledger.handedIn(*number)
		case answer.Code == "store_unavailable": // it stops
			continue
		default:
			g.ledger.wrong("the agents' text %d: %+v", *number, answer)
		}
		*number++
	}
}
