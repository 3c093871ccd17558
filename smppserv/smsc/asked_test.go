package smsc

import (
	"context"
	"slices"
	"sync"
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
}

func (d *deaf) Ask(ctx context.Context, of sms.Epoch, _ string, _ []byte) ([]byte, error) {
	d.mu.Lock()
	d.asked = append(d.asked, of)
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
		if took := time.Since(began); took < askTime || took > askTime+time.Second {
			t.Errorf("%s was answered after %v", test.what, took)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != 4 || !slices.Contains(d.asked[1:3], 5) || !slices.Contains(d.asked[1:3], 6) {
		t.Errorf("asked were %v", d.asked)
	}
}
