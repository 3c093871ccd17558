package hermes

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/pkg/loglimit"

	"github.com/rs/zerolog"
)

// stranger is a connection from any address.
type stranger struct {
	net.Conn
	from netip.Addr
}

func (s stranger) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.from, 40000))
}

func TestAFloodOfConnectionsFromManyAddressesThatAreRefusedIsAFewLines(t *testing.T) {
	const flood = 5000
	var log logged
	p := NewPort(PortOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Log: zerolog.New(&log)})
	from := netip.MustParseAddr("192.0.2.1")
	for range flood {
		ours, theirs := net.Pipe()
		theirs.Close()
		p.admit(stranger{ours, from})
		from = from.Next()
	}
	lines := log.count(addressRefused.Text)
	if lines == 0 || lines > flood/100 {
		t.Errorf("%d lines", lines)
	}
	p.running.Wait()
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log.count(fmt.Sprintf(`"left_out":%d,`, flood-lines)) != 1 {
		t.Error("no line says how many were left out")
	}
}

func TestWhatAPeerOfTheTCPPortDoesAgainAndAgainIsAFewLines(t *testing.T) {
	const flood = 1000
	var log logged
	p := NewPort(PortOptions{MaxConnections: 1, Token: "secret", Queue: &taking{}, Clients: toAdmin, Log: zerolog.New(&log)})
	peer := netip.MustParseAddr("10.0.0.1")
	busy := newConnection(p, stranger{nil, peer})
	busy.expect()
	p.connections[busy] = struct{}{} // all places are taken
	for range flood {
		ours, theirs := net.Pipe()
		theirs.Close()
		p.admit(stranger{ours, peer})
		p.submit(t.Context(), []byte(`{"from":"1","to":"2","text":"x"}`), true, &discarding{peer})
		ours, _ = net.Pipe()
		newConnection(p, stranger{ours, peer}).fail("the peer does not read")
	}
	p.running.Wait()
	for _, what := range []loglimit.Cause{tooMany, lineRejected, cutOff} {
		if n := log.count(fmt.Sprintf(`"message":%q`, what.Text)); n == 0 || n > 30 {
			t.Errorf("%d lines of %q", n, what.Text)
		}
	}
	p.limited.Flush()
	for _, what := range []loglimit.Cause{tooMany, lineRejected, cutOff} {
		if log.count(what.Text+": further lines") != 1 {
			t.Errorf("no line says how many of %q were left out", what.Text)
		}
	}
}

// discarding is where answers go that nobody reads.
type discarding struct{ peer netip.Addr }

func (d *discarding) remote() string      { return d.peer.String() }
func (d *discarding) answer([]byte)       {}
func (d *discarding) event([]byte)        {}
func (d *discarding) from() loglimit.Peer { return loglimit.Peer{Addr: d.peer} }

func TestOnlySoManyRefusedConnectionsAreToldWhy(t *testing.T) {
	p := NewPort(PortOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Log: zerolog.Nop()})
	var peers []net.Conn
	for range 3 * maxRefusing {
		ours, theirs := net.Pipe()
		peers = append(peers, theirs)
		p.admit(stranger{ours, netip.MustParseAddr("192.0.2.1")})
	}
	told := 0
	for _, peer := range peers {
		if line, err := bufio.NewReader(peer).ReadString('\n'); err == nil && len(line) > 0 {
			told++
		}
	}
	p.running.Wait()
	if told != maxRefusing || p.refusing != 0 {
		t.Errorf("%d were told, want %d; %d are counted when all are gone", told, maxRefusing, p.refusing)
	}
}

func TestAnOutputThatWasLargeOnceIsNotKept(t *testing.T) {
	p := NewPort(PortOptions{Log: zerolog.Nop()})
	ours, theirs := net.Pipe()
	c := newConnection(p, ours)
	p.running.Go(c.serve)
	line := make([]byte, 1024)
	take := func(lines int) {
		if _, err := io.CopyN(io.Discard, theirs, int64(lines*len(line))); err != nil {
			t.Fatal(err)
		}
	}
	const many = 8 * maxUnwritten / 1024
	for range many { // nobody reads yet
		c.event(line)
	}
	take(many)
	most := 0
	for range 100 {
		c.event(line)
		take(1)
		c.mu.Lock()
		most = max(most, cap(c.out))
		c.mu.Unlock()
	}
	if most > maxUnwritten {
		t.Errorf("a connection that writes lines of %d octets keeps %d for them", len(line), most)
	}
	theirs.Close()
	p.running.Wait()
}

func TestAPeerThatDoesNotReadItsAnswersIsNotReadEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPort(PortOptions{Log: zerolog.Nop()})
		ours, theirs := net.Pipe()
		c := newConnection(p, ours)
		p.running.Go(c.serve)
		const lines = 20_000
		var read atomic.Int64
		go func() {
			for range lines {
				if _, err := theirs.Write([]byte("not JSON\n")); err != nil {
					return
				}
				read.Add(1)
			}
		}()
		synctest.Wait() // no more of them is read
		taken := int(read.Load())
		answers := bufio.NewReader(theirs)
		for range lines { // it reads, and gets them all
			answer, err := answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			// As many octets again may be on their way to it.
			if n := taken * len(answer); n < maxUnwritten || n > 2*maxUnwritten+1024 {
				t.Fatalf("%d octets of answers wait for a peer that does not read, the bound is %d", n, maxUnwritten)
			}
		}
		theirs.Close()
		p.running.Wait()
	})
}

func TestAPeerThatTakesNoAnswersIsLetGoAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPort(PortOptions{Log: zerolog.Nop()})
		ours, theirs := net.Pipe()
		p.running.Go(newConnection(p, ours).serve)
		began := time.Now()
		for {
			if _, err := io.WriteString(theirs, "not JSON\n"); err != nil {
				break // cut off, as it should be
			}
		}
		if after := time.Since(began); after != unreadTime {
			t.Errorf("it is let go after %s, want %s", after, unreadTime)
		}
		p.running.Wait()
	})
}

// answering is Hermès behind a transport: its answers have a long body.
type answering struct {
	status int
	read   int
}

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) {
	a.read = 0
	body := io.TeeReader(io.LimitReader(spaces{}, 10*maxAnswer), a)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(body)}, nil
}

// Write counts what was read.
func (a *answering) Write(b []byte) (int, error) {
	a.read += len(b)
	return len(b), nil
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestOfAnAnswerOnlySoMuchIsRead(t *testing.T) {
	for _, pattern := range []string{"", "OK"} {
		for _, status := range []int{200, 400, 500} {
			a := &answering{status: status}
			o := options("http://127.0.0.1/")
			o.Transport, o.SuccessPattern = a, pattern
			deliver(t, newPush(t, o), message(1, "m"))
			if a.read > 2*maxAnswer {
				t.Errorf("pattern %q, status %d: %d octets were read, more than %d", pattern, status, a.read, maxAnswer)
			}
		}
	}
}
