package hermes

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// BenchmarkPush has 64 pushes in flight to a server that does no more than answer, through the poster and through net/http alone.
func BenchmarkPush(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerPushes(c)
		}
	}()
	for _, way := range []string{"poster", "net-http"} {
		b.Run(way, func(b *testing.B) {
			o := options("http://" + l.Addr().String() + "/api/sms/push/")
			o.Concurrency = 64
			p := newPush(b, o)
			if way == "net-http" {
				p.settings.Load().push.poster = nil
			}
			ms := []*sms.Message{message(1042, strings.Repeat("Bonjour, ceci est un message. ", 4))}
			free := make(chan struct{}, o.Concurrency)
			for range o.Concurrency {
				free <- struct{}{}
			}
			b.ReportAllocs()
			for b.Loop() {
				<-free
				p.Deliver(ms, false, func(o sms.Outcome) {
					if o.Verdict != sms.Done {
						b.Errorf("%+v", o)
					}
					free <- struct{}{}
				})
			}
			for range o.Concurrency {
				<-free
			}
		})
	}
}

// answerPushes finds the ends of the bodies, which are }, and answers.
func answerPushes(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		if _, err := r.ReadSlice('}'); err != nil {
			return
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"success\":true}"); err != nil {
			return
		}
	}
}

// accepting is a queue that accepts and forgets.
type accepting struct{}

func (accepting) Add(m *sms.Message, _ int, s road.Submission) error {
	m.ID = 1042
	s.Accepted(m, false, nil)
	return nil
}

func (accepting) Known(_ string, found func(sms.ID, error)) { found(0, nil) }

// BenchmarkPort has one connection hand in lines as fast as their answers come.
func BenchmarkPort(b *testing.B) {
	c, err := net.Dial("tcp", openPort(b, accepting{}, nil).Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	const burst = 64
	lines := bytes.Repeat([]byte(usualLine+"\n"), burst)
	r := bufio.NewReader(c)
	for n := 0; b.Loop(); n++ {
		if n%burst != 0 {
			continue
		}
		if _, err := c.Write(lines); err != nil {
			b.Fatal(err)
		}
		for range burst {
			if answer, err := r.ReadSlice('\n'); err != nil || !bytes.Contains(answer, []byte(`"accepted"`)) {
				b.Fatalf("%s, %v", answer, err)
			}
		}
	}
}
