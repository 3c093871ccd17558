package smsc

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
)

// BenchmarkDeliver is messages to a client that takes them at once, from the queue to the commit of their outcome.
func BenchmarkDeliver(b *testing.B) {
	for _, parts := range []int{1, 3} {
		b.Run(fmt.Sprint(parts, " parts"), func(b *testing.B) { benchmarkDeliver(b, strings.Repeat("x", 150*parts)) })
	}
}

func benchmarkDeliver(b *testing.B, text string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{File: filepath.Join(b.TempDir(), "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(ctx)
	q := queue.New(queue.Options{Store: s, Log: zerolog.Nop()})
	if err := q.Start(ctx); err != nil {
		b.Fatal(err)
	}
	sv := New(Options{Queue: q, History: s, Log: zerolog.Nop(), Window: 64, Timers: session.Timers{Response: time.Minute}},
		Settings{Clients: []Client{{SystemID: "alice", CheckPassword: func(string) bool { return true }}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sv.Serve(l)
	defer func() {
		stop, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		sv.Close(stop)
		_ = q.Stop(stop)
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "alice", Password: "x", InterfaceVersion: smpp.V34})); err != nil {
		b.Fatal(err)
	}
	go take(c)
	w := &ends{n: int64(b.N), all: make(chan struct{})}
	b.ResetTimer()
	for i := range b.N {
		now := time.Now()
		m := &sms.Message{Recipient: "alice", Source: sms.Address{Number: campaign}, Dest: sms.Address{Number: fmt.Sprint(33600000000 + i%1000)},
			Content: []byte(text), ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), State: sms.Enroute}
		if err := q.Add(m, 0, w); err != nil {
			b.Fatal(err)
		}
	}
	<-w.all
	b.StopTimer()
}

// take answers every deliver_sm.
func take(c net.Conn) {
	var rest, out []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		rest = append(rest, buf[:n]...)
		out = out[:0]
		from := 0
		for len(rest)-from >= smpp.HeaderLen {
			h := smpp.ParseHeader(rest[from:])
			if len(rest)-from < int(h.Length) {
				break
			}
			from += int(h.Length)
			if h.Command == smpp.CmdDeliverSM {
				out = smpp.AppendPDU(out, 0, h.Sequence, &smpp.DeliverSMResp{})
			}
		}
		rest = append(rest[:0], rest[from:]...)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// ends counts messages that have come to their ends.
type ends struct {
	n    int64
	done atomic.Int64
	all  chan struct{}
}

func (*ends) Accepted(*sms.Message, bool, error)        {}
func (*ends) Awaits() bool                              { return true }
func (*ends) Answered() (s uint64, t time.Time, b bool) { return }
func (w *ends) Concluded(*sms.Message, sms.Outcome) {
	if w.done.Add(1) == w.n {
		close(w.all)
	}
}
