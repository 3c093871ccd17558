package bench

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/smpptest"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// serveAs makes the test program itself one of the servers that the real one is compared with.
const serveAs = "HNET_BENCH_SERVER"

func TestMain(m *testing.M) {
	switch os.Getenv(serveAs) {
	case "null":
		serveNull()
	case "go-smpp":
		serveGoSMPP()
	}
	os.Exit(testkit.Run(m))
}

// BenchmarkSubmit reports the rate at which submits are answered, with eight transceivers and a window of 64 each.
func BenchmarkSubmit(b *testing.B) {
	b.Run("null", func(b *testing.B) { measure(b, startOther(b, "null"), load{user: fixedUser("client", "secret")}) })
	b.Run("smppserv", func(b *testing.B) { measure(b, startServer(b), load{user: clients}) })
	b.Run("go-smpp", func(b *testing.B) { measure(b, startOther(b, "go-smpp"), load{user: fixedUser("client", "secret")}) })
	b.Run("smppserv at 1000 a second", func(b *testing.B) {
		measureN(b, startServer(b), load{user: clients, rate: 1000}, min(b.N, 10_000))
	})
}

func measure(b *testing.B, addr string, l load) {
	measureN(b, addr, l, b.N)
}

func measureN(b *testing.B, addr string, l load, n int) {
	b.ResetTimer()
	latencies, took := l.run(b, addr, n)
	b.ReportMetric(float64(len(latencies))/took.Seconds(), "submit/s")
	at := func(share float64) float64 {
		return float64(latencies[int(share*float64(len(latencies)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

func fixedUser(id, password string) func(int) (string, string) {
	return func(int) (string, string) { return id, password }
}

// clients gives each client of the server its two sessions.
func clients(session int) (string, string) { return fmt.Sprintf("esme%d", session/2), "secret" }

// startServer starts smppserv, with every commit on disk and the stand-in for Hermès.
func startServer(b *testing.B) (addr string) {
	b.Helper()
	var accounts []map[string]any
	for i := range sessions / 2 {
		id, password := clients(2 * i)
		accounts = append(accounts, map[string]any{"system_id": id, "password": password, "bind_policy": "pair", "max_queued": 10_000_000})
	}
	return testkit.StartWorker(b, testkit.WriteConfig(b, b.TempDir(), testkit.Settings{"clients": accounts})).SMPP
}

// startOther starts this program as another server, which prints its address.
func startOther(b *testing.B, name string) (addr string) {
	b.Helper()
	c := exec.CommandContext(b.Context(), os.Args[0])
	c.Env = append(os.Environ(), serveAs+"="+name)
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// serveNull answers every request with the same message_id and looks at nothing.
func serveNull() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			r, w := bufio.NewReaderSize(c, 64<<10), bufio.NewWriterSize(c, 64<<10)
			answer := append(make([]byte, smpp.HeaderLen), "0123456789\x00"...)
			for {
				head, err := r.Peek(smpp.HeaderLen)
				if err != nil {
					return
				}
				h := smpp.ParseHeader(head)
				_ = smpp.Header{Length: uint32(len(answer)), Command: h.Command.Response(), Sequence: h.Sequence}.Append(answer[:0])
				_, _ = r.Discard(int(h.Length))
				_, _ = w.Write(answer)
				if r.Buffered() < smpp.HeaderLen {
					_ = w.Flush()
				}
			}
		}()
	}
}

// serveGoSMPP runs go-smpp's test server, which stores nothing either.
func serveGoSMPP() {
	s := smpptest.NewUnstartedServer()
	s.Handler = func(c smpptest.Conn, p pdu.Body) {
		if p.Header().ID != pdu.SubmitSMID {
			return
		}
		resp := pdu.NewSubmitSMResp()
		resp.Header().Seq = p.Header().Seq
		_ = resp.Fields().Set(pdufield.MessageID, "0123456789")
		_ = c.Write(resp)
	}
	fmt.Println(s.Addr())
	s.Start()
	select {}
}
