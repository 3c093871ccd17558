package operators

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

const (
	// lookEvery is how often it is looked how the parts stand, whether somebody asks or not.
	lookEvery = time.Second
	// sampleEvery is how often what a minute has brought so far is written: so much is lost with a server that is killed.
	sampleEvery = 10 * time.Second
	// maxNoted is how many clients may wait to be written one by one.
	maxNoted = 256
)

// history knows since when something is as it is.
type history struct {
	noted    chan string // clients to which something has happened
	allNoted atomic.Bool // to more than there was room for

	sampling sync.Mutex // guards minutes
	minutes  minutes

	sinceMu sync.Mutex
	sinces  map[string]since
}

type since struct {
	as string
	at time.Time
}

func (h *history) init() { h.noted, h.sinces = make(chan string, maxNoted), map[string]since{} }

// since is since when what has been as it is, as far as was seen: at is now, unless another time is known.
func (h *history) since(what, as string, at time.Time) time.Time {
	h.sinceMu.Lock()
	defer h.sinceMu.Unlock()
	if s, ok := h.sinces[what]; ok && s.as == as {
		return s.at
	}
	h.sinces[what] = since{as: as, at: at}
	return at
}

// over forgets what is not any more, of all that begins so.
func (h *history) over(still map[string]bool, prefix string) {
	h.sinceMu.Lock()
	defer h.sinceMu.Unlock()
	for what := range h.sinces {
		if len(what) >= len(prefix) && what[:len(prefix)] == prefix && !still[what] {
			delete(h.sinces, what)
		}
	}
}

// watch looks at the parts once a second, writes down what happened to clients, and each minute what that brought.
func (ops *Operators) watch(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var last string
	for {
		select {
		case <-ctx.Done():
			return
		case systemID := <-ops.noted:
			ops.noteClient(systemID)
		case now := <-look.C:
			if ops.allNoted.Swap(false) {
				for _, c := range ops.o.Config().Clients {
					ops.noteClient(c.SystemID)
				}
			}
			if as := ops.standing(now); as != last {
				last = as
				ops.status.forget()
				ops.Changed(TopicStatus)
			}
			ops.sampling.Lock()
			ops.sample(ctx, &ops.minutes, now)
			ops.sampling.Unlock()
			ops.lookAbroad(ctx, now)
		}
	}
}

// standing tells how the parts stand, in a word that changes with it.
func (ops *Operators) standing(now time.Time) (as string) {
	trouble := ops.parts.Store.Trouble() // an idle server leaves the disk alone
	if ops.troubled.Load() {             // until it is over
		trouble = ops.check()
	}
	for _, p := range ops.standingParts(now, trouble) {
		as += p.Name + " " + string(p.Level) + " " + p.Text.Format + "\n"
	}
	return as
}

// noteClient has what happened to a client last written down.
func (ops *Operators) noteClient(systemID string) {
	f, ok := ops.parts.SMSC.Client(systemID)
	if !ok {
		return
	}
	event := func(e smsc.Event) store.ClientEvent {
		return store.ClientEvent{At: e.At, Remote: e.Remote, Why: e.Reason}
	}
	if len(f.Sessions) > 0 && f.Unbound.At.After(f.Bound.At) { // one of two went: were the server killed now, the client would be unbound since then
		f.Unbound = smsc.Event{}
	}
	ops.parts.Store.NoteClient(store.ClientNote{Client: systemID, Bound: event(f.Bound), Unbound: event(f.Unbound), Refused: event(f.Refused)})
}

// minutes is what the minute that goes on is counted from.
type minutes struct {
	at     time.Time     // its beginning
	before store.Traffic // until then
	row    store.Sample  // what is on disk of it from before the start
	seen   time.Time     // when its sample was last thought of

	n, waiting int64 // of the last sample: what it counts, and how many waited
	written    bool  // there is one of this minute
}

// begin takes up what is on disk of the minute: the server may have been started anew in it.
func (m *minutes) begin(ctx context.Context, s Store, now time.Time) {
	m.at, m.before, m.seen = now.Truncate(time.Minute), s.Totals(), now
	if rows, err := s.OwnSamples(ctx, m.at, m.at.Add(time.Minute)); err == nil && len(rows) == 1 {
		m.row = rows[0]
	}
}

// sample writes down what a minute brought, if anything: when it is over, and before that every sampleEvery.
func (ops *Operators) sample(ctx context.Context, m *minutes, now time.Time) {
	over := !now.Truncate(time.Minute).Equal(m.at)
	if over || now.Sub(m.seen) >= sampleEvery {
		ops.sampleNow(ctx, m, now, over)
	}
}

func (ops *Operators) sampleNow(ctx context.Context, m *minutes, now time.Time, over bool) {
	t, waiting := ops.parts.Store.Totals(), int64(ops.parts.Queue.Stats().Waiting)
	b, row := &m.before, &m.row
	s := store.Sample{At: m.at, Submitted: row.Submitted + t.Received - b.Received, Pushed: row.Pushed + t.Pushed - b.Pushed,
		Delivered: row.Delivered + t.Delivered - b.Delivered, Failed: row.Failed + t.Failed - b.Failed, Receipts: row.Receipts + t.Receipts - b.Receipts,
		Waiting: waiting, Push: t.Push.Without(&b.Push)}
	s.Push.Merge(&row.Push)
	n := s.Submitted + s.Pushed + s.Delivered + s.Failed + s.Receipts
	quiet := n == m.n && waiting == m.waiting && !(over && (m.written || waiting > 0 && ops.several())) // of several, each tells what waits
	if m.n, m.waiting, m.seen, m.written = n, waiting, now, m.written || !quiet; over {
		*m = minutes{at: now.Truncate(time.Minute), before: t, seen: now, waiting: waiting}
	}
	if quiet {
		return
	}
	if waiting > 0 && ctx.Err() == nil {
		if all, err := ops.waitingHere(ctx); err == nil {
			if oldest := oldestOf(all); !oldest.IsZero() {
				s.Oldest = now.Sub(oldest)
			}
		}
	}
	ops.parts.Store.AddSample(s)
}

// oldestOf is when the oldest of all that waits was accepted.
func oldestOf(all []adminapi.Waiting) (oldest time.Time) {
	for _, w := range all {
		if !w.Oldest.IsZero() && (oldest.IsZero() || w.Oldest.Before(oldest)) {
			oldest = w.Oldest
		}
	}
	return oldest
}
