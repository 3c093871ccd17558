package faults

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// A ledger accounts for every message of a soak, by who was there: clients, Hermès and its agents. A message has an octet, by its
// message_id, and what it says is kept until it has come to its end, so that a soak may last for hours.
type ledger struct {
	watched
	told  map[string]told // by client
	binds int

	states  []progress              // by message_id
	open    map[uint64]*openMessage // those that were pushed or acknowledged and have not come to their end
	last    map[string]uint64       // number → the highest id that it was pushed with
	refused map[string]bool         // texts
	turned  map[smpp.Status]int
	since   map[string]int // refusals by client since its last bind
	phase   progress       // of kills: odd from one on until every client is bound again, and not above phases
	leaves  bool           // the worker is asked to stop, and may answer RSYSERR

	accepted, unanswered, waiting, tries int // waiting are acknowledged and have not come to their end
	ended                                map[smpp.MessageState]int
	pushedAgain, receiptsAgain           int // after Hermès, or a receipt, had it

	agents                                      []progress // by number of the text
	toClients, toClientsWaiting, toClientsAgain int
}

// told is what may become of a client's messages.
type told struct {
	status smpp.Status // besides ROK; ROK = none
	state  smpp.MessageState
}

// An openMessage is what is known of one; text and key are empty before they are.
type openMessage struct{ text, key string }

type progress uint8

const (
	hasID progress = 1 << iota // it was acknowledged
	wasPushed
	wasTaken // by Hermès
	hasEnded
	phases = 15 // and the phase, in the upper bits, in which Hermès took it
	shift  = 4
)

func newLedger(told map[string]told) *ledger {
	return &ledger{watched: newWatched(), told: told, open: map[uint64]*openMessage{}, last: map[string]uint64{}, refused: map[string]bool{},
		turned: map[smpp.Status]int{}, since: map[string]int{}, ended: map[smpp.MessageState]int{}}
}

// killing notes that a worker is about to be killed, or that all is well again.
func (l *ledger) killing() { l.change(func() { l.phase = min(l.phase+1, phases) }) }

func (l *ledger) wrong(format string, args ...any) { l.change(func() { l.fault(format, args...) }) }

func (l *ledger) bound(client string) {
	l.change(func() {
		l.binds++
		l.since[client] = 0
	})
}

// of gives the progress of a message to be changed.
func of(all *[]progress, n uint64) *progress {
	for uint64(len(*all)) <= n {
		*all = append(*all, make([]progress, n+1-uint64(len(*all))+uint64(len(*all))/4)...)
	}
	return &(*all)[n]
}

// message has what is known of one, which says this; "" = that is not told.
func (l *ledger) message(id uint64, text string) *openMessage {
	m := l.open[id]
	if m == nil {
		m = &openMessage{}
		l.open[id] = m
	}
	switch {
	case text == "":
	case m.text == "":
		m.text = text
	case m.text != text:
		l.fault("message %d is %q and %q", id, m.text, text)
	}
	return m
}

// settle closes a message that came to its end.
func (l *ledger) settle(id uint64, s progress) {
	if s&(hasID|hasEnded) == hasID|hasEnded {
		l.waiting--
		delete(l.open, id)
	}
}

func (l *ledger) submitted(client, id, text string, status smpp.Status) {
	l.change(func() {
		if status != smpp.ROK {
			if status != l.told[client].status && (status != smpp.RSYSERR || !l.leaves) {
				l.fault("submit of %q: %v", text, status)
			}
			l.turned[status]++
			if status == l.told[client].status {
				l.since[client]++
			}
			l.refused[text] = true
			return
		}
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			l.fault("message_id %q: %v", id, err)
			return
		}
		s := of(&l.states, n)
		if *s&hasID != 0 {
			l.fault("id %s was given twice, the second time to %q", id, text)
			return
		}
		*s |= hasID
		l.accepted++
		l.waiting++
		l.message(n, text)
		l.settle(n, *s)
	})
}

// push takes one that Hermès answers.
func (l *ledger) push(p testkit.Push) {
	l.change(func() {
		id, err := strconv.ParseUint(p.Message.ID, 10, 64)
		if err != nil {
			l.fault("push %v: %v", p, err)
			return
		}
		l.tries++
		s := of(&l.states, id)
		if l.refused[p.Message.Text] {
			l.fault("%q was refused, and was pushed as %d", p.Message.Text, id)
		}
		if *s&(hasID|hasEnded) != hasID|hasEnded {
			m := l.message(id, p.Message.Text)
			if m.key != "" && m.key != p.Key {
				l.fault("message %d was pushed as %s and as %s", id, m.key, p.Key)
			}
			m.key = p.Key
		}
		if from := p.Message.From; *s&wasPushed == 0 {
			if id < l.last[from] {
				l.fault("from %s came %d after %d", from, id, l.last[from])
			}
			l.last[from] = id
		}
		if *s&wasTaken != 0 {
			l.pushedAgain++
			if *s>>shift == l.phase && l.phase%2 == 0 {
				l.fault("message %d was pushed again after Hermès took it, and no worker was killed", id)
			}
		}
		*s |= wasPushed
		if p.Status/100 == 2 && !p.BrokenOff {
			*s = *s&(1<<shift-1) | wasTaken | l.phase<<shift
		}
	})
}

// delivered takes a receipt, or what an agent wrote.
func (l *ledger) delivered(client string, p *smpp.DeliverSM) {
	receipt, err := smpp.ParseReceipt(p.ShortMessage)
	l.change(func() {
		if err != nil {
			l.arrived(client, string(p.ShortMessage))
			return
		}
		id, err := strconv.ParseUint(receipt.ID, 10, 64)
		if err != nil {
			l.fault("a receipt of %q: %v", receipt.ID, err)
			return
		}
		s := of(&l.states, id)
		switch {
		case *s&hasEnded != 0:
			l.receiptsAgain++
			return
		case receipt.State != l.told[client].state:
			l.fault("the receipt of %d to %s says %v", id, client, receipt.State)
		case receipt.State == smpp.StateDelivered && *s&wasTaken == 0:
			l.fault("the receipt of %d says that Hermès took it, and it has not", id)
		}
		*s |= hasEnded
		l.ended[receipt.State]++
		if *s&hasID == 0 {
			l.unanswered++
		}
		l.settle(id, *s)
	})
}

const agentText = "to %s no. %d"

// handedIn takes that an agent's text was accepted.
func (l *ledger) handedIn(number uint64) {
	l.change(func() {
		s := of(&l.agents, number)
		*s |= hasID
		l.toClients++
		if *s&hasEnded == 0 {
			l.toClientsWaiting++
		}
	})
}

// arrived is to be called by change.
func (l *ledger) arrived(client, text string) {
	var to string
	var number uint64
	if _, err := fmt.Sscanf(text, agentText, &to, &number); err != nil || to != client {
		l.fault("%q came to %s", text, client)
		return
	}
	s := of(&l.agents, number)
	if *s&hasEnded != 0 {
		l.toClientsAgain++
		return
	}
	*s |= hasEnded
	if *s&hasID != 0 {
		l.toClientsWaiting--
	}
}

func (l *ledger) toll() toll {
	l.mu.Lock()
	defer l.mu.Unlock()
	return toll{sent: l.sent, acknowledged: l.accepted + l.toClients, lost: l.waiting + l.toClientsWaiting,
		repeated: l.pushedAgain + l.receiptsAgain + l.toClientsAgain}
}

// String is the account in a line.
func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d accepted", l.accepted)
	for _, status := range slices.Sorted(maps.Keys(l.turned)) {
		name, _, _ := strings.Cut(status.String(), " ")
		fmt.Fprintf(&b, ", %d refused with %s", l.turned[status], name)
	}
	b.WriteString("; in the end")
	for _, state := range slices.Sorted(maps.Keys(l.ended)) {
		fmt.Fprintf(&b, " %d %v,", l.ended[state], state)
	}
	fmt.Fprintf(&b, " %d of them never acknowledged: a kill cut the answer off; %d lost; %d tries, %d pushes and %d receipts repeated; of agents %d accepted, %d lost, %d repeated; %d binds",
		l.unanswered, l.waiting, l.tries, l.pushedAgain, l.receiptsAgain, l.toClients, l.toClientsWaiting, l.toClientsAgain, l.binds)
	return b.String()
}
