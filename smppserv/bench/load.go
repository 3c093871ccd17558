package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/smpp"
)

// load is what the sessions submit: texts of 120 characters, each acknowledged.
type load struct {
	sessions int
	window   int     // submits in flight per session, closed loop
	rate     float64 // submits per second in all, open loop: each is sent at its time, whatever became of those before; 0 = closed loop
	n        int     // submits in all
	phones   int     // distinct source numbers, in turn over all sessions; 0 = 1
	dests    int     // distinct destinations, in turn; 0 = what dest says

	account func(session int) account // nil = clientOf
	dest    func(session int) string  // nil = campaign
	edit    func(*smpp.SubmitSM)      // what else a submit is to say; nil = nothing
	stop    <-chan struct{}           // when closed, nothing more is sent; nil = never
	patient time.Duration             // how long no answer may come; 0 = stall
}

// outcome is what came of a load.
type outcome struct {
	answered int
	took     time.Duration // from the first submit to the last answer
	samples  []sample      // by session, each in the order of the answers
}

func (o outcome) rate() float64 { return float64(o.answered) / o.took.Seconds() }

// eight sessions with a window of 64 are the load that rates are measured with.
func eight(n, phones int) load { return load{sessions: 8, window: 64, n: n, phones: phones} }

const (
	campaign = "3600"
	text     = "Bonjour, ceci est un message. Bonjour, ceci est un message. Bonjour, ceci est un message. Bonjour, ceci est un message. "
	// stall is how long a load waits for the next answer.
	stall = 60 * time.Second
)

// phone is the n-th source number.
func phone(n int) string { return fmt.Sprintf("336%08d", n) }

// digits is where the last 8 digits of source_addr are in a submit_sm with an empty service_type: behind the header, the NUL of
// the service_type, TON, NPI and "336".
const digits = smpp.HeaderLen + 1 + 2 + 3

// destDigits are those of a destination_addr that is as long.
const destDigits = digits + 8 + 1 + 2 + 3

func setDigits(pdu []byte, from, n int) {
	for at := from + 7; at >= from; at-- {
		pdu[at] = byte('0' + n%10)
		n /= 10
	}
}

// number gives the k-th submit its numbers.
func (l load) number(pdu []byte, k int) {
	if l.phones > 1 {
		setDigits(pdu, digits, k%l.phones)
	}
	if l.dests > 0 {
		setDigits(pdu, destDigits, k%l.dests)
	}
}

func (l load) pdu(session int) []byte {
	m := &smpp.SubmitSM{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: phone(0)}, Dest: smpp.Address{TON: 1, NPI: 1, Addr: campaign}, ShortMessage: []byte(text),
	}
	if l.dest != nil {
		m.Dest.Addr = l.dest(session)
	}
	if l.dests > 0 {
		m.Dest.Addr = phone(0)
	}
	if l.edit != nil {
		l.edit(m)
	}
	return smpp.AppendPDU(nil, smpp.ROK, 0, m)
}

// bindAll binds the sessions of the load.
func (l load) bindAll(addr string) (es []*esme, err error) {
	who := l.account
	if who == nil {
		who = clientOf
	}
	const atOnce = 32
	es = make([]*esme, l.sessions)
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for k := range min(atOnce, l.sessions) {
		wg.Go(func() {
			for i := k; i < l.sessions && errs[k] == nil; i += atOnce {
				es[i], errs[k] = bind(addr, who(i), l.buffer(), caller())
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		closeAll(slices.DeleteFunc(es, func(e *esme) bool { return e == nil }))
		return nil, err
	}
	return es, nil
}

func (l load) buffer() int { return max(min(callBuffer, 1<<24/max(l.sessions, 1)), 1<<10) }

// run binds, submits, and returns when all is answered; progress counts answers while it goes.
func (l load) run(addr string, watch watcher) (outcome, error) {
	es, err := l.bindAll(addr)
	if err != nil {
		return outcome{}, err
	}
	return l.drive(es, watch)
}

// drive is run over sessions that are bound, which it closes.
func (l load) drive(es []*esme, watch watcher) (outcome, error) {
	l.begin(es)
	count := func() int64 { return answers(es) }
	defer watch(int64(l.n), count)()
	var wg sync.WaitGroup
	l.send(es, &wg)
	err := await(es, func() int64 {
		want := int64(l.n)
		if stopped(l.stop) {
			wg.Wait()
			want = sent(es)
		}
		return want
	}, count, cmp.Or(l.patient, stall))
	closeAll(es)
	return gather(es), err
}

// begin starts the sessions' readers.
func (l load) begin(es []*esme) {
	began := time.Now()
	per, ring := min((l.n+len(es)-1)/len(es), 1<<18), 1<<16
	if l.rate == 0 {
		ring = min(ring, 1<<bits.Len(uint(64*l.window)))
	}
	for _, e := range es {
		e.begin(began, l.window, ring, per)
	}
}

// send starts what writes: one goroutine for each session, or one for all that keeps the time.
func (l load) send(es []*esme, wg *sync.WaitGroup) {
	if l.rate > 0 {
		wg.Go(func() { l.pace(es) })
		return
	}
	for i, e := range es {
		n := l.n / len(es)
		if i < l.n%len(es) {
			n++
		}
		wg.Go(func() { l.fill(e, i, n) })
	}
}

// fill keeps the window of one session full.
func (l load) fill(e *esme, session, n int) {
	pdu := l.pdu(session)
	for k := range n {
		select {
		case e.window <- struct{}{}:
		default:
			e.flush()
			select {
			case e.window <- struct{}{}:
			case <-e.ended:
				return
			case <-l.stop:
				return
			}
		}
		if stopped(l.stop) {
			<-e.window
			e.flush()
			return
		}
		l.number(pdu, session+k*l.sessions)
		e.put(pdu, uint32(k+2), time.Since(e.began))
	}
	e.flush()
}

// pace sends each submit at its own time, over the sessions in turn.
func (l load) pace(es []*esme) {
	var pdus [][]byte
	for i := range es {
		pdus = append(pdus, l.pdu(i))
	}
	began := es[0].began
	for k := range l.n {
		if stopped(l.stop) {
			return
		}
		at := time.Duration(float64(k) / l.rate * float64(time.Second))
		sleepUntil(began.Add(at))
		i := k % len(es)
		l.number(pdus[i], k)
		es[i].put(pdus[i], uint32(k/len(es)+2), at)
		es[i].flush()
	}
}

func stopped(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func answers(es []*esme) (n int64) {
	for _, e := range es {
		n += e.answered.Load()
	}
	return n
}

func deliveries(es []*esme) (n int64) {
	for _, e := range es {
		n += e.delivered.Load()
	}
	return n
}

// sent is how many were, when nothing more is: those in flight and those answered.
func sent(es []*esme) (n int64) {
	for _, e := range es {
		n += int64(len(e.window)) + e.answered.Load()
	}
	return n
}

// await returns when count has reached want; it fails when a session ends, a submit is refused, or nothing comes for so long.
func await(es []*esme, want, count func() int64, patient time.Duration) error {
	last, at := int64(-1), time.Now()
	for {
		n := count()
		if n >= want() {
			return refusal(es)
		}
		if n != last {
			last, at = n, time.Now()
		}
		for _, e := range es {
			if stopped(e.ended) {
				return fmt.Errorf("a session ended after %d answers: %w", e.answered.Load(), e.err)
			}
		}
		if err := refusal(es); err != nil {
			return err
		}
		if time.Since(at) > patient {
			return fmt.Errorf("%d of %d came, then nothing for %v", n, want(), patient)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func refusal(es []*esme) error {
	for _, e := range es {
		if n := e.refused.Load(); n > 0 {
			return fmt.Errorf("%d submits were refused with %v", n, smpp.Status(e.status.Load()))
		}
	}
	return nil
}

// gather reads what sessions that are closed have noted.
func gather(es []*esme) outcome {
	o := outcome{answered: int(answers(es))}
	for _, e := range es {
		o.took = max(o.took, time.Duration(e.last.Load()))
		o.samples = append(o.samples, e.samples...)
	}
	return o
}

// percentile is that of the answers between two times, since the beginning; to = 0 means to the end. NaN-free: 0 when there are none.
func (o outcome) percentile(share float64, from, to time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range o.samples {
		if s.at >= from && (to == 0 || s.at < to) {
			all = append(all, s.took)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

// between is the rate of answers between two times.
func (o outcome) between(from, to time.Duration) float64 {
	n := 0
	for _, s := range o.samples {
		if s.at >= from && s.at < to {
			n++
		}
	}
	return float64(n) / (to - from).Seconds()
}

// calls counts what caller was asked for.
var calls atomic.Int64

// caller is a loopback address to call from: one has 28 000 ports on Linux, which are taken for a minute after a connection. Elsewhere there is
// but one address.
func caller() net.Addr {
	if !manyLoopbacks {
		return nil
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+calls.Add(1)/5000%16))}
}

// long is a text of so many octets.
func long(octets int) []byte { return []byte(strings.Repeat("x", octets)) }
