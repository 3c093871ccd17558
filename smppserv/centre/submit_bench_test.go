package centre

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
)

// startCentre opens a server on free ports that accepts submits and delivers nothing, so that only the way from
// socket to commit is measured.
func startCentre(tb testing.TB, clients int, edits ...func(*config.Config)) *centre {
	tb.Helper()
	cfg := config.Default()
	cfg.Server.ListenHost, cfg.Server.ListenPort, cfg.TCP.ListenHost, cfg.TCP.ListenPort = "127.0.0.1", 0, "127.0.0.1", 0
	cfg.Server.MaxConnectionsPerIP = 10_000
	cfg.Admin.Listen = ""
	cfg.Store.DSN = sqlitetest.Blank(tb, tb.TempDir())
	cfg.Hermes.URL = config.Simulator
	for i := range clients {
		c := config.DefaultClient()
		c.SystemID, c.Password, c.BindPolicy, c.MaxQueued = fmt.Sprintf("esme%d", i), "secret", "pair", 1<<30
		cfg.Clients = append(cfg.Clients, c)
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	s := opened(tb, &cfg, zerolog.Nop())
	s.smsc.Serve(s.plain)
	tb.Cleanup(func() { _ = s.close() })
	return s
}

func dialBound(tb testing.TB, mc *centre, systemID string) net.Conn {
	tb.Helper()
	c := testkit.Bind(tb, mc.plain.Addr().String(), smpp.CmdBindTransceiver, systemID, "secret").Conn()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	return c
}

// BenchmarkSubmit counts what a submit allocates from the socket to the commit; every message has another sender.
func BenchmarkSubmit(b *testing.B) {
	s := startCentre(b, 1)
	c := dialBound(b, s, "esme0")
	const window = 64
	var out []byte
	answers := make([]byte, 4096)
	text := []byte("Bonjour, ceci est un message de longueur ordinaire.")
	numbers := make([]string, 4096)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("336%08d", i)
	}
	next := 0
	submit := &smpp.SubmitSM{Dest: smpp.Address{NPI: 1, Addr: "3600"}, ShortMessage: text} // the client allocates nothing
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += window {
		out = out[:0]
		for range window {
			next++
			submit.Source = smpp.Address{TON: 1, NPI: 1, Addr: numbers[next%len(numbers)]}
			out = smpp.AppendPDU(out, smpp.ROK, uint32(next), submit)
		}
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		for range window {
			if _, err := io.ReadFull(c, answers[:4]); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, answers[4:binary.BigEndian.Uint32(answers)]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkIdleSession reports the memory of a bound and idle session. The client's end, in the same process, is counted too.
func BenchmarkIdleSession(b *testing.B) {
	const sessions = 1000
	for b.Loop() {
		s := startCentre(b, sessions/2)
		before := memory()
		var all []net.Conn
		for i := range sessions {
			all = append(all, dialBound(b, s, fmt.Sprintf("esme%d", i/2)))
		}
		b.ReportMetric((memory()-before)/sessions, "B/session")
		for _, c := range all {
			_ = c.Close()
		}
		_ = s.close() // the next one's memory is not to be measured against this one's
	}
}

func memory() float64 {
	for range 3 { // what has ended is taken in steps: connections, then what they held
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
