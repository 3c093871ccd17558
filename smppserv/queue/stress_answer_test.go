package queue

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// seedVariable repeats the random choices of a run; how goroutines take turns is not repeated.
const seedVariable = "QUEUE_STRESS_SEED"

// stressSeed is the one of the environment, or a new one. A test that fails tells it.
func stressSeed(t *testing.T) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv(seedVariable); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d has the same random choices", seedVariable, seed)
	return seed
}

// dice are random numbers for many goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newDice(seed, stream uint64) *dice { return &dice{r: rand.New(rand.NewPCG(seed, stream))} }

func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func (d *dice) Shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.r.Shuffle(n, swap)
}

// submitting is a submission whose session has its answer when Accepted returns, and has it on the wire some time later.
type submitting struct {
	*submission
	w       *witness
	own     uint64        // its session, 0 = none
	making  time.Duration // of the answer
	writing time.Duration // after that
}

func (s *submitting) Accepted(m *sms.Message, duplicate bool, err error) {
	if s.making > 0 {
		<-time.After(s.making)
	}
	s.w.mu.Lock()
	s.w.answered[m.ID] = s
	s.w.mu.Unlock()
	if s.own != 0 {
		time.AfterFunc(s.writing, func() { s.answer(s.own, time.Now()) })
	}
	s.submission.Accepted(m, duplicate, err)
}

// Answered implements road.Submission as a session's ticket does: which one it is, is known from the first.
func (s *submitting) Answered() (uint64, time.Time, bool) {
	_, since, ok := s.submission.Answered()
	return s.own, since, ok
}

// early says why a receipt may not be on the session yet, "" = it may. w.mu is held.
func (w *witness) early(m *sms.Message, session uint64) string {
	if m.Kind != sms.KindReceipt && m.Kind != sms.KindIntermediate {
		return ""
	}
	s := w.answered[m.Receipt.Of]
	if s == nil {
		return fmt.Sprintf("receipt %d of message %d, which was not accepted", m.ID, m.Receipt.Of)
	}
	own, since, ok := s.Answered()
	switch {
	case own == 0:
		return ""
	case own == session:
		w.onOwn++ // behind its answer, which that session got first
		return ""
	case !ok:
		return fmt.Sprintf("receipt %d on session %d: message %d is not answered yet on session %d", m.ID, session, m.Receipt.Of, own)
	}
	w.elsewhere++
	if held := time.Since(since); held < receiptDelay {
		return fmt.Sprintf("receipt %d on session %d %v after the answer on session %d", m.ID, session, held, own)
	}
	return ""
}
