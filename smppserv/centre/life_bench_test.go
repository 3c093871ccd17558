package centre

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
)

// BenchmarkLife takes messages from submit_sm to the answer to their receipts: from several clients to a Hermès that takes each, to
// one that is away (without receipts), and from client to client. Its CPU profile is what releases are built by:
//
//	go test -trimpath ./smppserv/centre -run '^$' -bench Life -benchtime 200000x -o /dev/null -cpuprofile pkg/release/smppserv.pgo
func BenchmarkLife(b *testing.B) {
	hermes := func(b *testing.B) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = io.WriteString(w, `{"success":true}`)
		})}
		go func() { _ = s.Serve(l) }()
		b.Cleanup(func() { _ = s.Close() })
		return "http://" + l.Addr().String()
	}
	for _, way := range []struct {
		name     string
		mode     string
		url      func(b *testing.B) string
		receipts bool
	}{
		{"push", config.ModeVocalcom, hermes, true},
		{"away", config.ModeVocalcom, func(*testing.B) string { return "http://127.0.0.1:9" }, false},
		{"clients", config.ModeOpportunity, nil, true},
	} {
		b.Run(way.name, func(b *testing.B) {
			s := startCentre(b, lifeClients, func(cfg *config.Config) {
				cfg.Mode = way.mode
				if way.url != nil {
					cfg.Hermes.URL = way.url(b)
				}
				for i := range cfg.Clients {
					cfg.Clients[i].Numbers = []string{fmt.Sprintf("360%d", i)}
				}
			})
			s.push.Attach(s.queue)
			var all []*liver
			for i := range lifeClients {
				l := &liver{c: dialBound(b, s, fmt.Sprintf("esme%d", i)), to: fmt.Sprintf("360%d", i), n: b.N/lifeClients + 1, receipts: way.receipts}
				l.deliver = l.n
				switch {
				case !way.receipts:
					l.deliver = 0
				case way.mode == config.ModeOpportunity:
					l.to, l.deliver = fmt.Sprintf("360%d", (i+1)%lifeClients), 2*l.n
				}
				all = append(all, l)
			}
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan error)
			for _, l := range all {
				go func() { done <- l.live() }()
			}
			for range all {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const lifeClients = 4

// liver is a client that submits with a window, and answers what comes.
type liver struct {
	c          net.Conn
	to         string
	n, deliver int // submits, and deliver_sm that are to come
	receipts   bool
}

func (l *liver) live() error {
	const window = 64
	text := []byte("Bonjour, ceci est un message. Bonjour, ceci est un message. Bonjour, ceci est un message. Bonjour, ceci est un message. ")
	m := &smpp.SubmitSM{Dest: smpp.Address{NPI: 1, Addr: l.to}, ShortMessage: text}
	if l.receipts {
		m.RegisteredDelivery = smpp.RegReceiptFinal
	}
	in, out := make([]byte, 64<<10), []byte(nil)
	have := 0
	for sent, answered, delivered := 0, 0, 0; ; {
		for ; sent < l.n && sent-answered < window; sent++ {
			m.Source = smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("336%08d", sent%10_000)}
			out = smpp.AppendPDU(out, smpp.ROK, uint32(sent+2), m)
		}
		if _, err := l.c.Write(out); err != nil {
			return err
		}
		if answered == l.n && delivered == l.deliver {
			return nil
		}
		out = out[:0]
		got, err := l.c.Read(in[have:])
		if err != nil {
			return err
		}
		have += got
		at := 0
		for have-at >= smpp.HeaderLen {
			h := smpp.ParseHeader(in[at:])
			if have-at < int(h.Length) {
				break
			}
			at += int(h.Length)
			switch h.Command {
			case smpp.CmdSubmitSM.Response():
				if h.Status != smpp.ROK {
					return fmt.Errorf("a submit was answered %v", h.Status)
				}
				answered++
			case smpp.CmdDeliverSM:
				delivered++
				out = smpp.AppendPDU(out, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{})
			}
		}
		have = copy(in, in[at:have])
	}
}
