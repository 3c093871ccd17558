package smsc

import (
	"time"

	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// nullQueue has every message on disk at once, those that came meanwhile together.
type nullQueue struct {
	Queue
	mu      sync.Mutex
	waiting []submitted
	last    sms.ID
	kick    chan struct{}
}

type submitted struct {
	m *sms.Message
	s road.Submission
}

func (q *nullQueue) Add(m *sms.Message, _ int, s road.Submission) error {
	q.mu.Lock()
	q.waiting = append(q.waiting, submitted{m, s})
	q.mu.Unlock()
	select {
	case q.kick <- struct{}{}:
	default:
	}
	return nil
}

func (q *nullQueue) Pending(string) int { return 0 }

func (q *nullQueue) Attach(road.OutletOptions) road.Outlet { return nullOutlet{} }

func (q *nullQueue) commit() {
	var batch []submitted
	for range q.kick {
		q.mu.Lock()
		batch, q.waiting = q.waiting, batch[:0]
		q.mu.Unlock()
		for _, one := range batch {
			q.last++
			one.m.ID = q.last
			one.s.Accepted(one.m, false, nil)
		}
	}
}

type nullOutlet struct{ road.Outlet }

func (nullOutlet) Rest(time.Duration) {}
func (nullOutlet) Avoid(bool)         {}

func (nullOutlet) Overtakes(*sms.Message) bool { return false }

func (nullOutlet) Detach() {}

// benchSession binds a session to a message centre whose queue does nothing.
func benchSession(b *testing.B) net.Conn {
	q := &nullQueue{kick: make(chan struct{}, 1), last: 1_000_000}
	go q.commit()
	sv := New(Options{SMSCIdentifier: "bench", Window: 10, Queue: q, Log: zerolog.Nop()}, Settings{Clients: []Client{{
		SystemID: "esme", CheckPassword: func(string) bool { return true }, Numbers: []string{"3600", "3601"}, MaxQueued: 1 << 30}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sv.Serve(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Close()
		sv.Close(context.Background())
		close(q.kick)
	})
	if _, err := c.Write(smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "esme", InterfaceVersion: smpp.V34})); err != nil {
		b.Fatal(err)
	}
	if h, _, err := smpp.ReadPDU(c, smpp.MaxPDU); err != nil || h.Status != smpp.ROK {
		b.Fatal(h.Status, err)
	}
	return c
}

// BenchmarkSubmit is the way of submit_sm from the socket to the queue and back to the socket, with so many in flight.
func BenchmarkSubmit(b *testing.B) {
	for _, window := range []int{10, 64} {
		b.Run(fmt.Sprint("window ", window), func(b *testing.B) {
			c := benchSession(b)
			var burst []byte
			for i := range window {
				burst = smpp.AppendPDU(burst, smpp.ROK, uint32(i+1), &smpp.SubmitSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("336%08d", i)},
					Dest: smpp.Address{NPI: 1, Addr: "3600"}, RegisteredDelivery: 1, ShortMessage: []byte("Bonjour, ceci est un message de longueur ordinaire.")})
			}
			in := bufio.NewReaderSize(c, 64<<10)
			const answer = smpp.HeaderLen + len("1000000") + 1
			b.ReportAllocs()
			b.ResetTimer()
			for sent := 0; sent < b.N; sent += window {
				if _, err := c.Write(burst); err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyN(io.Discard, in, int64(window*answer)); err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
