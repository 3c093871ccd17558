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
	// maxNoted is how many clients may wait to be written one by one.
	maxNoted = 256
)

// history knows since when something is as it is.
type history struct {
	noted    chan string // clients to which something has happened
	allNoted atomic.Bool // to more than there was room for

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
	m := minutes{before: ops.parts.Store.Totals(), at: time.Now().Truncate(time.Minute)}
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
			ops.sample(ctx, &m, now)
		}
	}
}

// standing tells how the parts stand, in a word that changes with it.
func (ops *Operators) standing(now time.Time) (as string) {
	for _, p := range ops.standingParts(now) {
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
	ops.parts.Store.NoteClient(store.ClientNote{Client: systemID, Bound: event(f.Bound), Unbound: event(f.Unbound), Refused: event(f.Refused)})
}

// minutes is what the last whole minute is compared with.
type minutes struct {
	before  store.Traffic
	waiting int
	at      time.Time // the minute that goes on
}

// sample writes down what a minute brought, if anything.
func (ops *Operators) sample(ctx context.Context, m *minutes, now time.Time) {
	minute := now.Truncate(time.Minute)
	if minute.Equal(m.at) {
		return
	}
	at := m.at
	m.at = minute
	t, waiting := ops.parts.Store.Totals(), ops.parts.Queue.Stats().Waiting
	b := m.before
	s := store.Sample{At: at, Submitted: t.Received - b.Received, Pushed: t.Pushed - b.Pushed, Delivered: t.Delivered - b.Delivered, Failed: t.Failed - b.Failed,
		Receipts: t.Receipts - b.Receipts, Waiting: int64(waiting), Push: t.Push.Without(&b.Push)}
	quiet := s.Submitted+s.Pushed+s.Delivered+s.Failed+s.Receipts == 0 && waiting == m.waiting
	m.before, m.waiting = t, waiting
	if quiet {
		return
	}
	if waiting > 0 {
		if all, err := ops.Waiting(ctx); err == nil {
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
