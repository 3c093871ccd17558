package smpptest_test

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// dial connects a client to a message centre that does what script says, then closes.
func dial(t *testing.T, script func(conn net.Conn)) *smpptest.Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		script(conn)
	}()
	return smpptest.Dial(t, l.Addr().String())
}

// answer answers every request until the client closes; deliver_sm first, if any.
func answer(conn net.Conn, deliver ...string) {
	for i, text := range deliver {
		p := &smpp.DeliverSM{ShortMessage: []byte(text)}
		conn.Write(smpp.AppendPDU(nil, smpp.ROK, uint32(100+i), p))
	}
	r := bufio.NewReader(conn)
	for {
		h, _, err := smpp.ReadPDU(r, smpp.MaxPDU)
		if err != nil {
			return
		}
		var p smpp.PDU
		switch h.Command {
		case smpp.CmdBindTransceiver:
			p = &smpp.BindResp{Type: smpp.CmdBindTransceiverResp, SystemID: "smsc"}
		case smpp.CmdSubmitSM:
			p = &smpp.SubmitSMResp{MessageID: "1042"}
		case smpp.CmdEnquireLink:
			p = &smpp.EnquireLinkResp{}
		case smpp.CmdUnbind:
			conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.UnbindResp{}))
			return
		default:
			continue
		}
		conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, p))
	}
}

func TestASessionFromBindToClose(t *testing.T) {
	c := dial(t, func(conn net.Conn) { answer(conn, "first", "second") })
	if resp := c.Bind(smpp.CmdBindTransceiver, "esme1", "secret1", smpp.V34); resp.SystemID != "smsc" {
		t.Errorf("bound to %q", resp.SystemID)
	}
	if id := c.Submit("1000", "447700900001", "hello"); id != "1042" {
		t.Errorf("message_id %q", id)
	}
	c.ExpectAlive()
	if p := c.ExpectDeliver(); string(p.ShortMessage) != "first" {
		t.Errorf("delivered %q", p.ShortMessage)
	}
	h, p, raw := c.Read(smpptest.Timeout)
	if h.Sequence != 101 || p.Command() != smpp.CmdDeliverSM || len(raw) != int(h.Length) {
		t.Errorf("read %+v, %d octets", h, len(raw))
	}
	c.Unbind()
	c.ExpectClosed(smpptest.Timeout)
}

func TestAPDUThatComesInTwoHalvesIsReadAcrossATimeOut(t *testing.T) {
	rest := make(chan struct{})
	c := dial(t, func(conn net.Conn) {
		raw := smpp.AppendHeader(nil, smpp.CmdUnbind, smpp.ROK, 7)
		conn.Write(raw[:5])
		<-rest
		conn.Write(raw[5:])
		conn.Read(make([]byte, 1))
	})
	var again *smpptest.Client
	failure := fails(func(f testing.TB) {
		again = smpptest.New(f, c.Conn())
		again.ExpectSilence(50 * time.Millisecond)
	})
	if !strings.Contains(failure, "after 00 00 00 10 00") {
		t.Errorf("half a PDU is taken for silence: %q", failure)
	}
	close(rest)
	if h, _ := again.Expect(smpp.CmdUnbind); h.Sequence != 7 {
		t.Errorf("read %+v", h)
	}
}

func TestEnquireLinkIsAnsweredByItself(t *testing.T) {
	answered := make(chan smpp.Header, 1)
	c := dial(t, func(conn net.Conn) {
		conn.Write(smpp.AppendHeader(nil, smpp.CmdEnquireLink, smpp.ROK, 7))
		h, _, _ := smpp.ReadPDU(conn, smpp.MaxPDU)
		answered <- h
	})
	c.AutoEnquire = true
	c.ExpectClosed(smpptest.Timeout)
	if h := <-answered; h.Command != smpp.CmdEnquireLinkResp || h.Sequence != 7 {
		t.Errorf("answered by %+v", h)
	}
}

func TestWhatIsNotExpectedFailsTheTest(t *testing.T) {
	pdu := func(conn net.Conn) {
		conn.Write(smpp.AppendHeader(nil, smpp.CmdUnbind, smpp.ROK, 7))
		conn.Read(make([]byte, 1))
	}
	reset := func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		conn.(*net.TCPConn).SetLinger(0)
	}
	mute := func(conn net.Conn) { conn.Read(make([]byte, 1)) }
	refuse := func(conn net.Conn) {
		conn.Write(smpp.AppendHeader(nil, smpp.CmdSubmitSMResp, smpp.RSYSERR, 1))
		conn.Read(make([]byte, 1))
	}
	tests := []struct {
		name   string
		centre func(net.Conn)
		expect func(*smpptest.Client)
		want   string
	}{
		{"a PDU instead of silence", pdu, func(c *smpptest.Client) { c.ExpectSilence(smpptest.Timeout) }, "wanted silence, got unbind"},
		{"a PDU instead of a close", pdu, func(c *smpptest.Client) { c.ExpectClosed(smpptest.Timeout) }, "wanted a close, got unbind"},
		{"silence instead of a close", mute, func(c *smpptest.Client) { c.ExpectClosed(20 * time.Millisecond) }, "i/o timeout"},
		{"silence instead of a PDU", mute, func(c *smpptest.Client) { c.Read(20 * time.Millisecond) }, "i/o timeout"},
		{"an RST instead of a FIN", reset, func(c *smpptest.Client) {
			c.SendRaw([]byte{0})
			c.ExpectClosed(smpptest.Timeout)
		}, "reset"},
		{"another status", refuse, func(c *smpptest.Client) { c.ExpectResp(1, smpp.ROK) }, "has status RSYSERR"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && test.want == "reset" {
				test.want = "forcibly closed"
			}
			c := dial(t, test.centre)
			failure := fails(func(f testing.TB) { test.expect(smpptest.New(f, c.Conn())) })
			if !strings.Contains(failure, test.want) {
				t.Errorf("failed with %q, want %q", failure, test.want)
			}
		})
	}
}

// failed stands in for the testing.TB of a test that is to fail.
type failed struct {
	testing.TB
	message string
}

func (f *failed) Helper()        {}
func (f *failed) Cleanup(func()) {}
func (f *failed) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fails runs body until it fails and returns the message; "" if it does not.
func fails(body func(testing.TB)) string {
	f := new(failed)
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(f)
	}()
	<-done
	return f.message
}
