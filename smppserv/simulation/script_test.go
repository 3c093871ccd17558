package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// numbers are few, so that conversations meet.
func (w *world) person() sms.Address {
	return sms.Address{TON: 1, NPI: 1, Number: fmt.Sprint("3360", w.dice.IntN(4))}
}
func (w *world) campaign() sms.Address {
	return sms.Address{NPI: 1, Number: fmt.Sprint("360", w.dice.IntN(2))}
}

func (w *world) client() string { return clients[w.dice.IntN(len(clients))] }

// text is a message of a client to Hermès.
func (w *world) text(client string) *sms.Message {
	w.numbers++
	now := w.wall()
	m := &sms.Message{Submitter: client, Source: w.person(), Dest: w.campaign(), Content: fmt.Appendf(nil, "t%d", w.numbers),
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(24 * time.Hour), Period: true, State: sms.Enroute}
	m.RegisteredDelivery = byte(w.dice.IntN(4)) | byte(w.dice.IntN(2))<<4
	if w.dice.IntN(4) == 0 {
		m.ExpiresAt = now.Add(time.Duration(1+w.dice.IntN(300)) * time.Second)
		m.Period = w.dice.IntN(3) > 0
	}
	if w.dice.IntN(8) == 0 {
		m.DueAt = now.Add(time.Duration(1+w.dice.IntN(120)) * time.Second)
		m.ExpiresAt = m.DueAt.Add(time.Hour)
	}
	return m
}

// submit hands a message in.
func (w *world) submit(m *sms.Message, replacing bool) *submission {
	l := w.life
	s := &submission{life: l, m: m, writing: time.Duration(w.dice.IntN(1000)) * time.Millisecond, awaits: m.Transaction() || w.dice.IntN(3) == 0}
	if m.Submitter != sms.Hermes {
		s.session = 1_000_000 // one that does not receive
		if some := l.bound[m.Submitter]; len(some) > 0 && w.dice.IntN(4) > 0 {
			s.session = some[w.dice.IntN(len(some))].number
		}
	}
	w.mu.Lock()
	w.model.counts.Submitted++
	l.pending++
	w.model.handed[string(m.Content)] = w.now()
	w.say("%s submits %q to %q, %s → %s, part %v, esm_class %d, replacing %t", m.Submitter, m.Content, m.Recipient, m.Source.Number, m.Dest.Number, m.Part, m.ESMClass, replacing)
	if replacing {
		for _, o := range w.model.lanes[laneOf(m)] { // one of them may go
			o.meddled = o.meddled || o.m.Submitter == m.Submitter && o.m.Kind == sms.KindText
		}
		w.model.succeeded[successor{laneOf(m), m.Submitter}] = w.now()
	}
	w.mu.Unlock()
	answer := func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil && !l.over {
			l.pending--
			s.refused = true
			w.model.refused(w, s)
		}
	}
	if !replacing {
		answer(l.q.Add(m, 0, s))
		return s
	}
	l.call(func(ctx context.Context) {
		l.adding <- struct{}{}
		defer func() { <-l.adding }()
		answer(l.q.AddReplacing(ctx, m, 0, s, nil))
	})
	return s
}

// call does what waits for the disk, beside the rest.
func (l *life) call(f func(context.Context)) {
	l.mu.Lock()
	l.calls++
	l.mu.Unlock()
	l.callers.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		f(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.over {
			l.calls--
		}
	})
}

// meddle picks a message that waits, as far as is known, and notes that somebody asks for something of it.
func (w *world) meddle() *message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var some []*message
	for _, o := range w.model.order {
		if !o.state.Final() && o.accepted && o.m.Kind == sms.KindText && o.m.Recipient == sms.Hermes {
			some = append(some, o)
		}
	}
	if len(some) == 0 {
		return nil
	}
	o := some[w.dice.IntN(len(some))]
	o.meddled = true
	return o
}

// may tells whether an error is one that a request may end in.
func may(err error) bool {
	for _, ok := range []error{nil, sms.ErrBeingTried, sms.ErrNotWaiting, sms.ErrUnavailable, errDisk, context.DeadlineExceeded} {
		if errors.Is(err, ok) {
			return true
		}
	}
	return false
}

// step has one thing happen.
func (w *world) step() {
	l, dice := w.life, w.dice
	switch n := dice.IntN(100); {
	case n < 30:
		m := w.text(w.client())
		switch dice.IntN(10) {
		case 0:
			m.ESMClass = 1 // datagram
		case 1:
			m.ESMClass = 2 // transaction
		}
		w.submit(m, m.ESMClass == 0 && dice.IntN(8) == 0)
	case n < 45:
		w.fromHermes()
	case n < 52:
		w.parts()
	case n < 55: // a backlog
		client := w.client()
		for range 10 + dice.IntN(20) {
			m := w.text(client)
			m.Source.Number = fmt.Sprint("3361", dice.IntN(30))
			w.submit(m, false)
		}
	case n < 60:
		w.cancel()
	case n < 64:
		w.replace()
	case n < 66:
		like := w.text(w.client())
		w.mu.Lock()
		w.model.succeeded[successor{laneOf(like), like.Submitter}] = w.now()
		for _, o := range w.model.lanes[laneOf(like)] {
			o.meddled = o.meddled || o.m.Submitter == like.Submitter
		}
		w.mu.Unlock()
		done := make(chan struct{})
		l.call(func(ctx context.Context) {
			l.q.CancelConversation(ctx, like, nil, func(road.Cancelled, error) { close(done) })
			<-done
		})
	case n < 74:
		if c := w.client(); len(l.bound[c]) < 2 && dice.IntN(3) > 0 {
			l.bind(c)
		} else {
			l.unbind(c)
		}
	case n < 78:
		w.regulate()
	case n < 82:
		w.setClock(time.Duration(dice.IntN(7200)-3600) * time.Second)
	case n < 84:
		w.sweep()
	case n < 92:
		w.harm()
	case n < 94:
		w.crash()
	case n < 96:
		w.restart()
	default:
		time.Sleep(time.Duration(dice.IntN(60)) * time.Second)
	}
}

// sweep does what the centre does every minute.
func (w *world) sweep() (all bool) {
	_, err := w.life.q.Sweep(context.Background())
	if !may(err) {
		w.t.Error(err)
	}
	return err == nil
}

func (w *world) fromHermes() {
	client := w.client()
	m := w.text(client)
	m.Submitter, m.Recipient, m.Source, m.Dest = sms.Hermes, client, m.Dest, m.Source
	if w.dice.IntN(3) == 0 {
		m.Content = append(m.Content, make([]byte, 60)...) // in several deliver_sm
	}
	switch w.dice.IntN(4) {
	case 0:
		m.ExternalID = fmt.Sprint("h", w.numbers)
	case 1: // it may have come before
		m.ExternalID = fmt.Sprint("h", 1+w.dice.Uint64N(w.numbers))
	}
	w.submit(m, false)
}

// parts hands in a text in several parts, of which one may not come, or may come again.
func (w *world) parts() {
	first := w.text(w.client())
	first.DueAt, first.ExpiresAt, first.Period = first.ReceivedAt, first.ReceivedAt.Add(time.Hour), true
	w.numbers++
	ref, total := uint16(w.numbers), byte(2+w.dice.IntN(2))
	var ms []*sms.Message
	for seq := range total {
		m := *first
		m.Content = fmt.Appendf(nil, "%s part %d", first.Content, seq+1)
		m.Part, m.PartForm = sms.Part{Ref: ref, Total: total, Seq: seq + 1}, sms.FormUDH8
		ms = append(ms, &m)
	}
	w.dice.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	if w.dice.IntN(5) == 0 {
		ms = ms[1:]
	}
	var last *submission
	for _, m := range ms {
		w.pick()
		last = w.submit(m, false)
		time.Sleep(time.Duration(w.dice.IntN(500)) * time.Millisecond)
	}
	if w.dice.IntN(3) > 0 || last.life != w.life {
		return
	}
	time.Sleep(time.Duration(w.dice.IntN(10)) * time.Second)
	w.mu.Lock()
	done := last.accepted == 1 && !last.refused
	w.mu.Unlock()
	if done {
		again := *ms[len(ms)-1]
		again.ID, again.KnownBy, again.StoredAt, again.Attempts, again.Reason, again.State = 0, 0, time.Time{}, 0, "", sms.Enroute
		again.ReceivedAt, again.DueAt = w.wall(), w.wall()
		w.submit(&again, false)
	}
}

func (w *world) cancel() {
	o := w.meddle()
	if o == nil {
		return
	}
	l := w.life
	l.call(func(ctx context.Context) {
		err := l.q.Cancel(ctx, o.m.ID)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.say("the cancel of %d: %v", o.m.ID, err)
		if err == nil {
			if w.model.counts.Cancelled++; o.state != sms.Deleted {
				w.fail("message %d is cancelled, and %v on disk", o.m.ID, o.state)
			}
		} else if !may(err) && !l.over {
			w.fail("the cancel of message %d: %v", o.m.ID, err)
		}
	})
}

func (w *world) replace() {
	o := w.meddle()
	if o == nil || o.m.Part.Total > 0 {
		return
	}
	l := w.life
	w.numbers++
	text := fmt.Sprint("r", w.numbers)
	l.call(func(ctx context.Context) {
		err := l.q.Replace(ctx, o.m.ID, func(m *sms.Message) error {
			m.Content = []byte(text)
			return nil
		})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.say("the replacement of %d by %q: %v", o.m.ID, text, err)
		if err == nil {
			w.model.counts.Replaced++
		} else if !may(err) && !l.over {
			w.fail("the replacement of message %d: %v", o.m.ID, err)
		}
	})
}

// regulate has a recipient take less, or more.
func (w *world) regulate() {
	outlet, session := w.life.hermes, uint64(0)
	if some := w.life.bound[w.client()]; len(some) > 0 && w.dice.IntN(2) == 0 {
		outlet, session = some[0].outlet, some[0].number
	}
	switch w.dice.IntN(5) {
	case 0:
		outlet.Pause(time.Duration(w.dice.IntN(20)) * time.Second)
	case 1:
		outlet.Rest(time.Duration(w.dice.IntN(5)) * time.Second)
	case 2:
		outlet.Resume()
	case 3:
		outlet.SetWindow(1 + w.dice.IntN(window))
	case 4:
		on := w.dice.IntN(2) == 0
		if outlet.Avoid(on); session != 0 && w.life.node != nil {
			w.life.node.mute(session, on)
		}
	}
}

// setClock sets the wall clock.
func (w *world) setClock(to time.Duration) {
	if w.several != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say("the clock is set by %v", to-w.set)
	w.model.counts.Steps++
	if to-w.set < -time.Second || to-w.set > time.Second {
		w.model.unnoted = append(w.model.unnoted, to-w.set)
	}
	for _, o := range w.model.order {
		o.moved = true
		o.came = o.came || !o.m.DueAt.After(time.Now().Add(w.set+1100*time.Millisecond)) // it is noticed within a second
	}
	w.set = to
}

// harm has something not work for a while, or all work again.
func (w *world) harm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.model.sick = w.now()
	f := faults{outcomes: w.dice.IntN(4) > 0}
	switch w.dice.IntN(6) {
	case 0:
		f.write = 100
	case 1:
		f.write = 20
	case 2:
		f.doubt, f.unsettled = 30, 50
		w.model.counts.Doubts++
	case 3:
		f.read = 50
	case 4:
		f.slow = time.Second
	}
	w.faults = f
	w.say("from now on: %+v", f)
}

// heal has all work again, and everybody there.
func (w *world) heal() {
	w.mu.Lock()
	w.faults = faults{}
	w.model.sick = w.now()
	w.say("all is well from now on")
	w.mu.Unlock()
	l := w.life
	for _, c := range clients {
		for len(l.bound[c]) > 0 {
			l.unbind(c)
		}
		l.bind(c)
	}
	l.hermes.SetWindow(window)
	l.hermes.Avoid(false)
	l.hermes.Resume()
}

var _ queue.Store = reads{}
