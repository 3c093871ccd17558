package smsc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// elsewhere is a history in which all that alice has waits at two other workers, 5 and 6.
type elsewhere struct{ History }

func (h elsewhere) Get(ctx context.Context, id sms.ID) (*sms.Message, error) {
	m, err := h.History.Get(ctx, id)
	if err == nil {
		m.Holder = 5 + sms.Epoch(id%2)
	}
	return m, err
}

func (h elsewhere) HeldElsewhere(_ context.Context, like *sms.Message, _ int) (ms []*sms.Message, err error) {
	for i := range 4 {
		m := *like
		m.ID, m.Holder = sms.ID(i+1), 5+sms.Epoch(i%2)
		ms = append(ms, &m)
	}
	return ms, nil
}

// deaf are other workers that do not answer.
type deaf struct {
	places
	mu    sync.Mutex
	asked []sms.Epoch
	most  time.Duration // that one of them had
}

func (d *deaf) Ask(ctx context.Context, of sms.Epoch, _ string, _ []byte) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	d.mu.Lock()
	d.asked, d.most = append(d.asked, of), max(d.most, time.Until(deadline))
	d.mu.Unlock()
	<-ctx.Done()
	return nil, ctx.Err()
}

// away is a queue that has none of the messages.
type away struct{ Queue }

func (away) CancelBy(context.Context, sms.ID, string) error { return sms.ErrNotWaiting }

func (away) Replace(context.Context, sms.ID, func(*sms.Message) error) error {
	return sms.ErrNotWaiting
}

func TestWhatIsAskedOfAnotherWorkerThatDoesNotAnswerIsRefusedWithinTwoSeconds(t *testing.T) {
	d := &deaf{places: places{taken: map[string]bool{}}}
	r := newRig(t, func(r *rig, o *Options) {
		o.Queue, o.History, o.Others = away{r.q}, elsewhere{r.store}, d
	})
	c := r.transceiver()
	id := c.SubmitSM(later("it waits elsewhere"))
	for _, test := range []struct {
		what    string
		request smpp.PDU
		status  smpp.Status
	}{
		{"cancel_sm", &smpp.CancelSM{MessageID: id, Source: international(person), Dest: international(campaign)}, smpp.RCANCELFAIL},
		{"cancel_sm without a message_id", cancelAll, smpp.RCANCELFAIL},
		{"replace_sm", &smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new")}, smpp.RREPLACEFAIL},
	} {
		began := time.Now()
		c.ExpectResp(c.Send(test.request), test.status)
		if took := time.Since(began); took < askTime {
			t.Errorf("%s was answered after %v", test.what, took)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != 4 || !slices.Contains(d.asked[1:3], 5) || !slices.Contains(d.asked[1:3], 6) {
		t.Errorf("asked were %v", d.asked)
	}
	if d.most > askTime {
		t.Errorf("they had %v", d.most)
	}
}

// unsure are other workers of which the database does not tell whether they have done what they were asked.
type unsure struct{ places }

func (*unsure) Ask(context.Context, sms.Epoch, string, []byte) ([]byte, error) {
	return nil, fmt.Errorf("%w: it does not tell", sms.ErrUnavailable)
}

func TestWhatAnotherWorkerMayHaveDoneIsAnsweredRSYSERR(t *testing.T) {
	r := newRig(t, func(r *rig, o *Options) {
		o.Queue, o.History, o.Others = away{r.q}, elsewhere{r.store}, &unsure{places{taken: map[string]bool{}}}
	})
	c := r.transceiver()
	id := c.SubmitSM(later("it waits elsewhere"))
	for _, request := range []smpp.PDU{
		&smpp.CancelSM{MessageID: id, Source: international(person), Dest: international(campaign)}, cancelAll,
		&smpp.ReplaceSM{MessageID: id, Source: international(person), ShortMessage: []byte("new")},
	} {
		c.ExpectResp(c.Send(request), smpp.RSYSERR)
	}
}

// mover is a history in which messages of a conversation go from one worker to another, and deaf workers that answer.
type mover struct {
	History
	places
	mu    sync.Mutex
	at    map[sms.ID]sms.Epoch
	moves map[sms.Epoch]func() // when a worker has answered
	asked []sms.Epoch
	err   error // of TakeIn
}

func (h *mover) HeldElsewhere(_ context.Context, like *sms.Message, limit int) (ms []*sms.Message, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(h.at))[:min(limit, len(h.at))] {
		m := *like
		m.ID, m.Holder = id, h.at[id]
		ms = append(ms, &m)
	}
	return ms, nil
}

func (h *mover) Ask(_ context.Context, of sms.Epoch, _ string, _ []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, of)
	n := len(h.at)
	maps.DeleteFunc(h.at, func(_ sms.ID, e sms.Epoch) bool { return e == of })
	n -= len(h.at)
	if f := h.moves[of]; f != nil {
		delete(h.moves, of)
		f()
	}
	return changed(n), nil
}

func (h *mover) TakeIn(context.Context) error { return h.err }

func TestAConversationIsCancelledWhereverItsMessagesGoMeanwhile(t *testing.T) {
	h := &mover{places: places{taken: map[string]bool{}}, at: map[sms.ID]sms.Epoch{}, moves: map[sms.Epoch]func(){}}
	r := newRig(t, func(r *rig, o *Options) {
		h.History = r.store
		o.History, o.Others = h, h
	})
	c := r.transceiver()
	for name, test := range map[string]struct {
		at     map[sms.ID]sms.Epoch
		moves  map[sms.Epoch]func()
		err    error
		status smpp.Status
	}{
		"one goes to a worker that was asked": {map[sms.ID]sms.Epoch{1: 5, 2: 6, 3: 6},
			map[sms.Epoch]func(){5: func() { h.at[3] = 5 }}, nil, smpp.ROK},
		"one goes to a worker that had none": {map[sms.ID]sms.Epoch{1: 5, 2: 5, 3: 6},
			map[sms.Epoch]func(){5: func() { h.at[3] = 7 }}, nil, smpp.ROK},
		"what came here cannot be taken up": {map[sms.ID]sms.Epoch{1: 5}, nil, sms.ErrUnavailable, smpp.RSYSERR},
		"there are more than are looked at": {many(maxAlike, 5, 6), nil, nil, smpp.ROK},
	} {
		h.mu.Lock()
		h.at, h.moves, h.err, h.asked = test.at, test.moves, test.err, nil
		h.mu.Unlock()
		c.ExpectResp(c.Send(cancelAll), test.status)
		h.mu.Lock()
		if len(h.at) > 0 && test.err == nil {
			t.Errorf("%s: left are %v; asked were %v", name, h.at, h.asked)
		}
		h.mu.Unlock()
	}
}

// many are as many messages at one worker as are looked at, and one at another.
func many(n int, at, last sms.Epoch) map[sms.ID]sms.Epoch {
	all := map[sms.ID]sms.Epoch{}
	for id := range n {
		all[sms.ID(id+1)] = at
	}
	all[sms.ID(n+1)] = last
	return all
}

// blind is elsewhere, which cannot be read for so many looks, as while the database fails over.
type blind struct {
	elsewhere
	left atomic.Int32
}

func (h *blind) Get(ctx context.Context, id sms.ID) (*sms.Message, error) {
	if h.left.Add(-1) >= 0 {
		return nil, fmt.Errorf("%w: the database is away", sms.ErrUnavailable)
	}
	return h.elsewhere.Get(ctx, id)
}

func TestATransactionElsewhereIsAnsweredThoughTheDatabaseIsAwayWhenItsTimeIsUp(t *testing.T) {
	h := &blind{}
	h.left.Store(2) // what one take-back reads
	r := newRig(t, func(r *rig, o *Options) {
		absentBob(r, o)
		h.History = r.store
		o.Queue, o.History, o.Others = away{r.q}, h, &unsure{places{taken: map[string]bool{}}}
		o.Timers.Response = 50 * time.Millisecond
	})
	c := r.bind(smpp.CmdBindTransmitter, "alice")
	c.ExpectResp(c.Send(&smpp.DataSM{Source: international(person), Dest: international(campaign), ESMClass: smpp.ESMTransaction,
		TLVs: smpp.TLVs{smpp.TLVString(smpp.TagMessagePayload, "transaction")}}), smpp.RDELIVERYFAILURE)
	if h.left.Load() == 2 {
		t.Error("the database was not away")
	}
}
