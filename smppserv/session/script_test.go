package session

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

const (
	maxSteps  = 200
	maxScript = 600 << 10 // octets that a script may have sent
)

// kinds are the PDUs that a script sends, by their letters.
const kinds = "TRXsmdqcrgbzluvaokKnLUV"

func pduOf(kind byte) (smpp.CommandID, []byte) {
	number := smpp.Address{Addr: "491701"}
	var p smpp.PDU
	switch kinds[letter(kinds, kind)] {
	case 'T':
		p = &smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "client", Password: "pw", InterfaceVersion: smpp.V34}
	case 'R':
		p = &smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "client", Password: "pw", InterfaceVersion: smpp.V33}
	case 'X':
		p = &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", Password: "pw", InterfaceVersion: smpp.V50}
	case 's':
		p = submit("hello")
	case 'm':
		p = &smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{Source: number}, Dests: []smpp.Dest{{Address: number}, {ListName: "all"}}}
	case 'd':
		p = &smpp.DataSM{Source: number, Dest: number}
	case 'q':
		p = &smpp.QuerySM{MessageID: "1", Source: number}
	case 'c':
		p = &smpp.CancelSM{MessageID: "1", Source: number, Dest: number}
	case 'r':
		p = &smpp.ReplaceSM{MessageID: "1", Source: number}
	case 'g':
		p = submitOf60000()
	case 'b':
		return smpp.CmdSubmitSM, []byte("no end")
	case 'z':
		return smpp.CmdBindTransceiver, []byte("sixteen letters!\x00")
	case 'l':
		p = &smpp.EnquireLink{}
	case 'u':
		p = &smpp.Unbind{}
	case 'v':
		p = &smpp.DeliverSM{Source: number, Dest: number}
	case 'a':
		p = &smpp.AlertNotification{Source: number, ESME: number}
	case 'o':
		return smpp.CmdOutbind, []byte("centre\x00pw\x00")
	case 'k':
		return 0x00010200, []byte("what")
	case 'K':
		return 0x80000099, nil
	case 'n':
		p = &smpp.GenericNack{}
	case 'L':
		p = &smpp.EnquireLinkResp{}
	case 'U':
		p = &smpp.UnbindResp{}
	case 'V':
		p = &smpp.DeliverSMResp{}
	}
	b := smpp.AppendPDU(nil, smpp.ROK, 0, p)
	return p.Command(), b[smpp.HeaderLen:]
}

func submitOf60000() *smpp.SubmitSM {
	big := submit("")
	big.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 60_000)}}
	return big
}

// letter finds b in table; what is not there is something of it, too.
func letter(table string, b byte) int {
	if i := strings.IndexByte(table, b); i >= 0 {
		return i
	}
	return int(b) % len(table)
}

// script is what a fuzz input says, octet by octet; after its end it says "0" for ever.
type script struct{ rest []byte }

func (c *script) next() byte {
	if len(c.rest) == 0 {
		return '0'
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *script) take(n int) []byte {
	n = min(n, len(c.rest))
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func choose[T any](c *script, of ...T) T { return of[int(c.next()-'0')%len(of)] }

func (c *script) sequence() uint32 {
	switch b := c.next(); b {
	case 'f':
		return firstSequence
	case 'F':
		return 0xFFFFFFFF
	default:
		return uint32(b - '0')
	}
}

func (c *script) pdu() []byte {
	command, body := pduOf(c.next())
	h := smpp.Header{Length: uint32(smpp.HeaderLen + len(body)), Command: command, Sequence: c.sequence()}
	return append(h.Append(nil), body...)
}

func (c *script) duration() time.Duration {
	return choose(c, time.Millisecond, 10*time.Millisecond, 100*time.Millisecond, time.Second, 2*time.Second, 5*time.Second,
		10*time.Second, 30*time.Second, time.Minute, 3*time.Minute)
}

// options are the first seven letters of a script.
func (c *script) options() (o Options, tr *trial) {
	second := time.Second
	o = Options{ID: 7, SystemID: "centre", Log: zerolog.Nop()}
	o.Window = choose(c, 1, 2, 10)
	o.MaxRequests = choose(c, 1, 2, 5, 100)
	o.Timers = choose(c,
		Timers{SessionInit: 5 * second, EnquireLink: 30 * second, Response: 10 * second},
		Timers{SessionInit: second, Response: second},
		Timers{SessionInit: 5 * second, Inactivity: 60 * second, Response: 10 * second},
		Timers{SessionInit: 5 * second, EnquireLink: 2 * second, Inactivity: 3 * second, Response: second})
	o.Logout = choose(c, 0, 50*time.Millisecond, 10*second)
	tr = &trial{bindMode: int(c.next() - '0'), requestMode: int(c.next() - '0')}
	conn := int(c.next() - '0')
	tr.pipe = newPipe([]int{0, 1, 7, 1000}[conn%4])
	o.Conn = tr.pipe
	if conn%8 >= 4 {
		o.Conn = withoutCloseWrite{o.Conn}
	}
	o.Handler = tr
	return o, tr
}

// steps are the letters of what a script can do.
const steps = "pPobwhtaAiIdDnQsSyYNeEHKTUC&B"

// step does one thing. It may leave goroutines at work.
func (tr *trial) step(c *script, do byte) {
	switch steps[letter(steps, do)] {
	case 'p':
		tr.send(c.pdu())
	case 'P': // a part of a PDU, at the end of which the stream goes on with something else
		b := c.pdu()
		tr.send(b[:min(len(b), int(c.next()-'0'))])
	case 'o': // octet by octet
		b := c.pdu()
		if len(b) > 200 {
			b = b[:200]
		}
		for _, o := range b {
			tr.send([]byte{o})
			synctest.Wait()
		}
	case 'b': // many at once
		n := choose(c, 2, 5, 20, 100, 1000, 5000)
		b := c.pdu()
		tr.send(slices.Repeat(b, min(n, max(1, maxScript/len(b)))))
	case 'w':
		tr.send(c.take(int(c.next() - '0')))
	case 'h': // a length that may not be one
		b := binary.BigEndian.AppendUint32(nil, choose[uint32](c, 0, 4, 15, 16, 17, smpp.MaxPDU, smpp.MaxPDU+1, 1<<31-1, 1<<31, 1<<32-1))
		b = binary.BigEndian.AppendUint32(b, choose[uint32](c, 4, 21, 0x80000004, 5, 0x80000000, 9))
		b = binary.BigEndian.AppendUint32(b, uint32(c.next()))
		tr.send(binary.BigEndian.AppendUint32(b, c.sequence()))
	case 't':
		time.Sleep(c.duration())
	case 'a':
		tr.answerOne(int(c.next()-'0'), 0)
	case 'A':
		tr.answerOne(0, 1+int(c.next()-'0'))
	case 'i':
		tr.mu.Lock()
		tr.requestMode = int(c.next() - '0')
		tr.mu.Unlock()
	case 'I':
		tr.mu.Lock()
		tr.bindMode = int(c.next() - '0')
		tr.mu.Unlock()
	case 'd':
		tr.deliver(int(c.next()-'0'), 0)
	case 'D': // each answer is the occasion for the next
		tr.deliver(int(c.next()-'0'), 3)
	case 'n':
		tr.s.Notify(&smpp.AlertNotification{Source: smpp.Address{Addr: "1"}, ESME: smpp.Address{Addr: "2"}})
	case 'Q':
		tr.probe(c.duration())
	case 's':
		room := choose(c, 0, 1, 20, 1000)
		tr.roughly(func() { tr.pipe.stall(room) })
	case 'S':
		tr.pipe.resume()
	case 'y':
		tr.respond(int(c.next()-'0'), smpp.ROK, false)
	case 'Y':
		tr.respond(0, smpp.Status(c.next()), false)
	case 'N':
		tr.respond(0, smpp.RINVCMDID, true)
	case 'e':
		tr.auto = true
	case 'E':
		tr.auto = false
	case 'H':
		tr.gone = true
		tr.pipe.halfClose()
	case 'K':
		tr.gone = true
		tr.roughly(tr.pipe.leave)
	case 'T':
		tr.gone = true
		tr.roughly(tr.pipe.reset)
	case 'U':
		tr.s.Unbind(errInactive)
	case 'B':
		tr.s.UnbindBy(errInactive, time.Now().Add(c.duration()))
	case 'C':
		tr.roughly(func() { tr.s.Close(nil) })
	case '&': // the next step comes while this one's is still at work
		tr.roughly(func() { tr.hurry = true })
	}
}

// FuzzSession runs a session through a script, in the fake time of a bubble, and holds that whatever the peer, the
// handler and the clock do, the session ends, says so once, answers nothing twice and keeps its bounds.
// testdata/fuzz/FuzzSession has scripts to read.
func FuzzSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		synctest.Test(t, func(t *testing.T) { play(t, &script{rest: text}) })
	})
}

func play(t *testing.T, c *script) {
	o, tr := c.options()
	tr.t, tr.o = t, o
	end := int(c.next() - '0')
	tr.start()
	synctest.Wait()
	for range maxSteps {
		if len(c.rest) == 0 {
			break
		}
		do := c.next()
		if do <= ' ' {
			continue
		}
		hurried := tr.hurry
		tr.hurry = false
		tr.step(c, do)
		if !hurried {
			synctest.Wait()
			tr.check()
		}
	}
	synctest.Wait()
	tr.check()
	tr.end(end)
}
