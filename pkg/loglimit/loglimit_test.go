package loglimit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

var refused = Cause{Text: "a connection was refused", PerPeer: 2, Total: 10}

func peer(addr string) Peer { return Peer{Addr: netip.MustParseAddr(addr)} }

// line is what a test reads of one.
type line struct {
	Level, Message, Reason string
	LeftOut                int `json:"left_out"`
	Peers, Most            int
	Further                int    `json:"of_further_peers"`
	MostFrom               string `json:"most_from"`
	MostOf                 string `json:"most_of"`
}

// written is what a log has since it was last read.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

func lines(t *testing.T, log *written) (all []line) {
	t.Helper()
	for text := range strings.Lines(log.take()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, l)
	}
	return all
}

func TestTheFirstLinesOfAPeerAreWrittenAndTheOthersAreCountedAndSaidLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		for range 10 * refused.PerPeer {
			l.Warn(refused, peer("192.0.2.1")).Msg(refused.Text)
		}
		l.Warn(refused, peer("192.0.2.2")).Msg(refused.Text) // another one has lines of its own
		if got := lines(t, &log); len(got) != 3 || got[0] != (line{Level: "warn", Message: refused.Text}) {
			t.Errorf("written are %+v", got)
		}
		time.Sleep(Period) // nothing more happens: it is said all the same
		synctest.Wait()
		want := line{Level: "warn", Message: refused.Text + ": further lines of the last minute were left out", LeftOut: 18, Peers: 1, Most: 18, MostFrom: "192.0.2.1"}
		if got := lines(t, &log); len(got) != 1 || got[0] != want {
			t.Errorf("said is %+v, want %+v", got, want)
		}
		l.Warn(refused, peer("192.0.2.1")).Msg(refused.Text)
		time.Sleep(2 * Period)
		synctest.Wait()
		if got := lines(t, &log); len(got) != 1 || got[0].LeftOut != 0 {
			t.Errorf("a minute later %+v", got)
		}
	})
}

func TestManyPeersHaveNoMoreLinesTogetherThanTheirCauseHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		addr := netip.MustParseAddr("10.0.0.0")
		for range 10 * MaxPeers {
			l.Warn(refused, Peer{Addr: addr}).Msg(refused.Text)
			addr = addr.Next()
		}
		if got := len(lines(t, &log)); got != refused.Total {
			t.Errorf("%d lines, want %d", got, refused.Total)
		}
		l.mu.Lock()
		known := len(l.causes[key{text: refused.Text}].peers)
		l.mu.Unlock()
		if known > MaxPeers {
			t.Errorf("%d peers are remembered, want %d at most", known, MaxPeers)
		}
		time.Sleep(Period)
		synctest.Wait()
		got := lines(t, &log)
		if len(got) != 1 || got[0].LeftOut != 10*MaxPeers-refused.Total || got[0].Further != 9*MaxPeers || got[0].Peers != MaxPeers-refused.Total {
			t.Errorf("said is %+v", got)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if known := len(l.causes[key{text: refused.Text}].peers); known != 0 {
			t.Errorf("%d peers are remembered for nothing", known)
		}
	})
}

func TestAPeerIsKnownByTheNetworkThatItHasAndByItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		addr := netip.MustParseAddr("2001:db8:0:1::1")
		for range 10 * refused.Total {
			l.Warn(refused, Peer{Addr: addr}).Msg(refused.Text)
			addr = addr.Next()
		}
		if got := len(lines(t, &log)); got != refused.PerPeer {
			t.Errorf("the addresses of one /64 have %d lines, want %d", got, refused.PerPeer)
		}
		l.Warn(refused, peer("2001:db8:0:2::1")).Msg(refused.Text)
		l.Warn(refused, Peer{Addr: addr, Name: "acme"}).Msg(refused.Text)
		if got := len(lines(t, &log)); got != 2 {
			t.Errorf("another /64, and an account of this one, have %d lines, want 2", got)
		}
		l.Flush()
		if got := lines(t, &log); len(got) != 1 || got[0].MostFrom != "2001:db8:0:1::" {
			t.Errorf("said is %+v", got)
		}
		for range 2 * refused.PerPeer {
			l.Warn(refused.As("why"), Peer{Name: "acme"}).Msg(refused.Text)
		}
		lines(t, &log)
		l.Flush()
		if got := lines(t, &log); len(got) != 1 || got[0].MostOf != "acme" || got[0].MostFrom != "" || got[0].Reason != "why" {
			t.Errorf("said is %+v", got)
		}
	})
}

func TestCausesDoNotTakeEachOthersLinesAndAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		const causes = 10 * MaxCauses
		for i := range causes {
			l.Warn(refused.As(strconv.Itoa(i)), peer("192.0.2.1")).Msg(refused.Text)
		}
		if got := len(lines(t, &log)); got != MaxCauses+refused.PerPeer {
			t.Errorf("%d lines, want %d", got, MaxCauses+refused.PerPeer)
		}
		if n := len(l.causes); n > MaxCauses+1 {
			t.Errorf("%d causes are remembered", n)
		}
		l.Flush()
		if got := lines(t, &log); len(got) != 1 || got[0].LeftOut != causes-MaxCauses-refused.PerPeer {
			t.Errorf("said is %+v", got)
		}
	})
}

func TestALineThatTheLevelSilencesCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log).Level(zerolog.InfoLevel))
		for range 100 {
			l.Line(zerolog.DebugLevel, refused, peer("192.0.2.1")).Msg(refused.Text)
		}
		l.Flush()
		if text := log.take(); len(l.causes) > 0 || text != "" {
			t.Errorf("%d causes, %q", len(l.causes), text)
		}
	})
}

func TestOneCauseMayBeForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		other := refused.As("other")
		for range 2 {
			for range 3 {
				l.Warn(refused, peer("192.0.2.1")).Msg(refused.Text)
				l.Warn(other, peer("192.0.2.1")).Msg(refused.Text)
			}
			l.Forget(refused)
		}
		l.Forget(Cause{Text: "never seen"})
		if got := lines(t, &log); len(got) != 2*refused.PerPeer+2+refused.PerPeer {
			t.Errorf("written are %+v", got)
		}
	})
}

func TestAFlushBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		l := New(zerolog.New(&log))
		for range 2 {
			for range 3 {
				l.Warn(refused, peer("192.0.2.1")).Msg(refused.Text)
			}
			if got := len(lines(t, &log)); got != refused.PerPeer {
				t.Errorf("%d lines", got)
			}
			l.Flush()
			if got := lines(t, &log); len(got) != 1 || got[0].LeftOut != 1 {
				t.Errorf("said is %+v", got)
			}
		}
		time.Sleep(2 * Period)
		synctest.Wait()
		if text := log.take(); text != "" {
			t.Errorf("said twice: %s", text)
		}
	})
}
