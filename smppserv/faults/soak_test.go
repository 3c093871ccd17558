package faults

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var (
	soakTime = flag.Duration("soak", 0, "how long TestSoak lasts; 0 = a minute where CI is set, else ten seconds")
	soakRate = flag.Int("soakrate", 500, "submits a second in TestSoak, over both clients")
)

// A soaked is what the worker takes.
type soaked struct {
	goroutines, files, memory int64
	database, log, lines      int64 // octets, but for the lines of the worker's log
}

// sampled reads what the worker says of itself, and its files.
func sampled(t *testing.T, w *testkit.Worker, folder string) (s soaked) {
	t.Helper()
	a, err := http.Get("http://" + w.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			s.goroutines = int64(n)
		case "process_open_fds":
			s.files = int64(n)
		case "process_resident_memory_bytes":
			s.memory = int64(n)
		}
	}
	database, err := filepath.Glob(filepath.Join(folder, "*", "messages.db"))
	if here := filepath.Join(folder, "messages.db"); err == nil && len(database) == 0 {
		database = []string{here}
	}
	for _, name := range database {
		for suffix, to := range map[string]*int64{"": &s.database, "-wal": &s.log} {
			if info, err := os.Stat(name + suffix); err == nil {
				*to = info.Size()
			}
		}
	}
	s.lines = int64(len(w.Log.String()))
	return s
}

// median is that of a figure.
func median(some []soaked, figure func(soaked) int64) int64 {
	var all []int64
	for _, s := range some {
		all = append(all, figure(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// trouble is one kind of failure, that lasts until the next one.
func (l *loaded) trouble(t *testing.T, n int, left *[]net.Conn) {
	h := l.record.hermes
	answers := []testkit.Answer{{Status: 200}, {Status: 200, After: 200 * time.Millisecond}, {Status: 503}, {Status: 429, RetryAfter: "1"},
		{Status: 0}, {Status: 200, After: 3 * time.Second}, {Status: 200}}
	h.Script("", answers[n%len(answers)])
	l.esmes[n%len(l.esmes)].mute.Store(n%5 == 0)
	l.esmes[(n+1)%len(l.esmes)].mute.Store(false)
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return
	}
	switch n % 3 {
	case 0: // it says nothing
		*left = append(*left, conn)
	case 1:
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		conn.Close()
	case 2: // half a PDU
		_, _ = conn.Write([]byte{0, 0, 0, 100, 0, 0, 0, 9, 0})
		*left = append(*left, conn)
	}
	if len(*left) > 10 {
		(*left)[0].Close()
		*left = (*left)[1:]
	}
	c := testkit.Bind(t, l.addr, smpp.CmdBindTransmitter, "hops", testkit.Password)
	if n%2 == 0 {
		c.Unbind()
	} else {
		c.Close()
	}
	if n%4 == 0 { // a reload
		text, err := os.ReadFile(l.config)
		if err == nil {
			err = os.WriteFile(l.config, append(text, "# again\n"...), 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestSoakWithFailuresOfEveryKindTakesNoMoreAndMoreAndLosesNothing(t *testing.T) {
	lasts := *soakTime
	switch {
	case lasts == 0 && os.Getenv("CI") != "":
		lasts = time.Minute
	case lasts == 0:
		lasts = 10 * time.Second
	}
	l := newLoaded(t, "hops")
	for i, name := range l.clients {
		l.esmes = append(l.esmes, startPacedESME(t, l.record, l.addr, name, i+1, time.Duration(len(l.clients))*time.Second/time.Duration(*soakRate)))
	}
	binds := l.binds()
	w := testkit.StartWorker(t, l.config)
	l.awaitWork(t, binds, killAt(1))
	w.Kill(t)
	binds = l.binds()
	w.Start(t)
	l.awaitWork(t, binds, killAt(1))
	var left []net.Conn
	defer func() {
		for _, c := range left {
			c.Close()
		}
	}()
	var samples []soaked
	tick := time.NewTicker(max(time.Second/2, lasts/200))
	defer tick.Stop()
	for n, end := 0, time.Now().Add(lasts); time.Now().Before(end); n++ {
		l.trouble(t, n, &left)
		<-tick.C
		samples = append(samples, sampled(t, w, filepath.Dir(l.config)))
	}
	l.record.hermes.Script("", testkit.Answer{Status: 200})
	for _, e := range l.esmes {
		e.mute.Store(false)
	}
	l.finish(t)
	l.record.mu.Lock()
	acked := int64(len(l.record.acked))
	l.record.mu.Unlock()
	warm := samples[len(samples)/4:]
	first, last := warm[:max(1, len(warm)/3)], warm[len(warm)-max(1, len(warm)/3):]
	for _, c := range []struct {
		what   string
		figure func(soaked) int64
		more   int64 // than before
		part   int64 // and so much of a hundred
	}{
		{"goroutines", func(s soaked) int64 { return s.goroutines }, 60, 25},
		{"open files", func(s soaked) int64 { return s.files }, 40, 25},
		{"octets of memory", func(s soaked) int64 { return s.memory }, 48 << 20, 25},
	} {
		a, b := median(first, c.figure), median(last, c.figure)
		t.Logf("%s: %d at first, %d at last", c.what, a, b)
		if b > a+a*c.part/100+c.more {
			t.Errorf("%s grow: %d at first, %d at last", c.what, a, b)
		}
	}
	end := samples[len(samples)-1]
	t.Logf("%v: %d acknowledged, 0 lost; the database has %d octets a message, its log %d MB, the worker's log %d octets a message",
		lasts, acked, end.database/max(1, acked), end.log>>20, end.lines/max(1, acked))
	if end.database == 0 || end.database > 4096*acked+(16<<20) || end.log > 256<<20 || end.lines > 500*acked+(1<<20) {
		t.Errorf("%d messages left %+v", acked, end)
	}
}
