package hermes

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// visit is Hermès' side of a connection in a bubble.
type visit struct {
	t testing.TB
	net.Conn
	lines *bufio.Reader
}

func (p *Port) visit(t testing.TB, from string) *visit {
	ours, theirs := net.Pipe()
	p.admit(stranger{ours, netip.MustParseAddr(from)})
	return &visit{t, theirs, bufio.NewReader(theirs)}
}

// ask returns the answer to a line, "" where there is none.
func (v *visit) ask(line string) string {
	if _, err := io.WriteString(v, line+"\n"); err != nil {
		return ""
	}
	answer, _ := v.lines.ReadString('\n')
	return answer
}

// told is what comes by itself.
func (v *visit) told() string {
	line, _ := v.lines.ReadString('\n')
	return line
}

// gone tells whether the connection is closed, or closes when asked for a moment.
func (v *visit) gone() bool {
	v.SetReadDeadline(time.Now().Add(time.Millisecond))
	defer v.SetReadDeadline(time.Time{})
	_, err := v.lines.ReadByte()
	return err == io.EOF
}

func newBubblePort(q Queue, change func(*PortOptions)) *Port {
	o := PortOptions{Validity: time.Hour, Queue: q, Clients: toAdmin, Log: zerolog.Nop()}
	if change != nil {
		change(&o)
	}
	return NewPort(o)
}

func (p *Port) end(t testing.TB) {
	t.Helper()
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAConnectionToTheTCPPortWithoutALineIsClosedAfterAnHourUnlessSomethingIsOwedToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &taking{}
		p := newBubblePort(q, nil)
		silent, spoken, owed := p.visit(t, "127.0.0.1"), p.visit(t, "127.0.0.1"), p.visit(t, "127.0.0.1")
		time.Sleep(idleTime / 2)
		for _, v := range []*visit{spoken, owed} {
			line := hello
			if v == owed {
				line = strings.Replace(hello, "{", `{"status":true,`, 1)
			}
			if got := v.ask(line); !strings.Contains(got, "accepted") {
				t.Fatal(got)
			}
		}
		time.Sleep(idleTime/2 + time.Second)
		if !silent.gone() || spoken.gone() {
			t.Error("not the one that said nothing for an hour was closed")
		}
		time.Sleep(3 * idleTime)
		if !spoken.gone() || owed.gone() {
			t.Error("not the one to which nothing is owed was closed")
		}
		q.mu.Lock()
		event := q.submissions[1]
		q.mu.Unlock()
		go event.Concluded(q.last(), sms.Outcome{Verdict: sms.Done})
		if got, err := owed.lines.ReadString('\n'); err != nil || !strings.Contains(got, `"event":"status"`) {
			t.Errorf("%q, %v", got, err)
		}
		time.Sleep(2*idleTime + time.Second)
		if !owed.gone() {
			t.Error("it stays when nothing is owed any more")
		}
		p.end(t)
	})
}

func TestALineToTheTCPPortThatDripsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBubblePort(&taking{}, nil)
		v := p.visit(t, "127.0.0.1")
		began := time.Now()
		dripped := make(chan struct{})
		go func() { // an octet a second
			defer close(dripped)
			for i := range len(hello) {
				if _, err := v.Write([]byte{hello[i]}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		answer, err := v.lines.ReadString('\n')
		if err != nil || !strings.Contains(answer, "the end of the line did not come within 30s") {
			t.Errorf("%q, %v", answer, err)
		}
		if _, err := v.lines.ReadByte(); err != io.EOF {
			t.Errorf("not closed: %v", err)
		}
		if took := time.Since(began); took < lineTime || took > lineTime+2*time.Second {
			t.Errorf("closed after %v", took)
		}
		p.end(t)
		v.Close()
		<-dripped
	})
}

func TestAFullTCPPortGivesTheNewcomerThePlaceOfWhoIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said logged
		p := newBubblePort(&taking{}, func(o *PortOptions) { o.MaxConnections, o.Log = 3, zerolog.New(&said) })
		talker, idler, squatter := p.visit(t, "127.0.0.1"), p.visit(t, "127.0.0.1"), p.visit(t, "192.0.2.1")
		talker.ask(hello)
		idler.ask(hello)
		if got := p.visit(t, "127.0.0.1").told(); !strings.Contains(got, "too many connections") {
			t.Errorf("a newcomer while nobody is idle: %q", got)
		}
		time.Sleep(2 * time.Second)
		first := p.visit(t, "127.0.0.1")
		if got := first.ask(hello); !strings.Contains(got, "accepted") || !squatter.gone() || talker.gone() || idler.gone() {
			t.Errorf("the newcomer has not the place of who never handed in a line: %q", got)
		}
		time.Sleep(30 * time.Second)
		talker.ask(hello)
		if got := p.visit(t, "127.0.0.1").told(); !strings.Contains(got, "too many connections") {
			t.Errorf("a newcomer while those who hand in lines were idle for half a minute: %q", got)
		}
		time.Sleep(40 * time.Second)
		if got := p.visit(t, "127.0.0.1").ask(hello); !strings.Contains(got, "accepted") || !idler.gone() || talker.gone() || first.gone() {
			t.Errorf("the newcomer has not the place of who is idle for longest: %q", got)
		}
		if n := p.admitted(); said.count(madeRoom.Text) != 2 || n != 3 {
			t.Errorf("%d connections; the log says\n%s", n, said.String())
		}
		p.end(t)
	})
}

// A stranger who connects again and again, from wherever he is let in, does not keep Hermès out.
func TestAFloodOfSilentConnectionsDoesNotKeepHermesFromTheTCPPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBubblePort(&taking{}, func(o *PortOptions) { o.Token = "secret" })
		hermes := p.visit(t, "10.0.0.1")
		line := strings.Replace(hello, "{", `{"token":"secret",`, 1)
		if got := hermes.ask(line); !strings.Contains(got, "accepted") {
			t.Fatal(got)
		}
		for round := range 20 {
			for range 2 * defaultMaxConnections {
				v := p.visit(t, "192.0.2.1")
				go io.Copy(io.Discard, v)
			}
			time.Sleep(1500 * time.Millisecond)
			if n := p.admitted(); n > defaultMaxConnections {
				t.Fatalf("%d connections", n)
			}
			if got := hermes.ask(line); !strings.Contains(got, "accepted") {
				t.Fatalf("round %d: the connection of Hermès has ended: %q", round, got)
			}
			another := p.visit(t, "10.0.0.1")
			if got := another.ask(line); !strings.Contains(got, "accepted") {
				t.Fatalf("round %d: Hermès is kept out: %q", round, got)
			}
			another.Close()
		}
		p.end(t)
	})
}
