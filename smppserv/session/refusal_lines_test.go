package session

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// written is what a log has since it was last read.
type written struct {
	testkit.Log
	read int
}

func (w *written) take() string {
	text := w.Log.String()[w.read:]
	w.read += len(text)
	return text
}

func TestRefusedMessagesGetAFewLinesAMinuteAndTheOthersAreCountedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		s := New(Options{ID: 7, Log: zerolog.New(&log)})
		refuse := func(times int, err error) {
			for range times {
				s.LogRefusal(smpp.CmdSubmitSM, smpp.Address{Addr: "491701"}, smpp.Address{Addr: "3600"}, err)
			}
		}
		refuse(10*messageRefused.PerPeer, fmt.Errorf("acme may not write to 3600: %w", smpp.RINVDSTADR))
		text := log.take()
		if n := strings.Count(text, "\n"); n != messageRefused.PerPeer {
			t.Errorf("%d lines, want %d", n, messageRefused.PerPeer)
		}
		if want := `"from":"491701","to":"3600","reason":"acme may not write to 3600: ` + smpp.RINVDSTADR.Error() + `"`; !strings.Contains(text, want) {
			t.Errorf("the lines are %s", text)
		}
		refuse(1, smpp.RTHROTTLED) // another reason has lines of its own
		if n := strings.Count(log.take(), "\n"); n != 1 {
			t.Errorf("%d lines of another reason", n)
		}
		time.Sleep(loglimit.Period)
		synctest.Wait()
		text = log.take()
		if want := fmt.Sprintf(`"left_out":%d,`, 9*messageRefused.PerPeer); strings.Count(text, "\n") != 1 || !strings.Contains(text, want) {
			t.Errorf("later it says %s, want %s", text, want)
		}
	})
}

func TestARefusalNamesAddressesAsTheyAreRead(t *testing.T) {
	var log bytes.Buffer
	s := New(Options{ID: 7, Log: zerolog.New(&log)})
	s.LogRefusal(smpp.CmdSubmitSM, smpp.Address{Addr: "\xD6sterreich"}, smpp.Address{Addr: "Müller"}, smpp.RINVDSTADR)
	if !strings.Contains(log.String(), `"from":"Österreich","to":"Müller"`) {
		t.Errorf("the line is %s", log.String())
	}
}

func TestFaultyPDUsAndRequestsThatFailGetAFewLinesAMinute(t *testing.T) {
	for what, fault := range map[string]func(s *Session){
		pduRefused.Text:    func(s *Session) { s.logFault(smpp.RINVCMDLEN) },
		requestFailed.Text: func(s *Session) { s.status(net.ErrClosed, smpp.CmdQuerySM) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			limited := loglimit.New(zerolog.New(&log))
			for i := range 30 { // whose peer binds anew each time
				fault(New(Options{ID: uint64(i + 1), Limited: limited, Conn: newVisitor("192.0.2.1")}))
			}
			if n := strings.Count(log.String(), what); n != 3 {
				t.Errorf("%d lines of %q, want 3", n, what)
			}
			limited.Flush()
			if !strings.Contains(log.String(), `"left_out":27,`) {
				t.Errorf("later it says %s", log.String())
			}
		})
	}
}

func TestAFloodOfConnectionsThatAreRefusedIsAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		limited := loglimit.New(zerolog.New(&log))
		d := NewDoors(0, 1, 0)
		var script []func() (net.Conn, error)
		for range 5000 {
			script = append(script, func() (net.Conn, error) { return newVisitor("192.0.2.1"), nil })
		}
		d.Accept(&faulty{script: script}, limited, func(net.Conn) {})
		if n := strings.Count(log.take(), connectionRefused.Text); n != 3 {
			t.Errorf("%d lines, want 3", n)
		}
		time.Sleep(loglimit.Period)
		synctest.Wait()
		if got := log.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"left_out":4996,"peers":1,"reason":"`+errTooManyPerAddress.Error()+`","most_from":"192.0.2.1","most":4996`) {
			t.Errorf("later it says %s", got)
		}
	})
}
