package simulation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// model is what may happen. Its methods are called with world.mu held, but for progress.
type model struct {
	all   map[sms.ID]*message
	order []*message
	// succeeded are those in whose conversation somebody replaces what waits, and when last.
	succeeded map[successor]time.Duration
	lanes     map[lane][]*message
	external  map[string]sms.ID
	handed    map[string]time.Duration // when, by text
	counts    counts
	shifted   bool            // the clock was set, and a crash came before that was on disk for sure
	unnoted   []time.Duration // how far the clock was set, as far as that is not on disk
	sick      time.Duration   // when the disk or Hermès last misbehaved
	rates     map[string]int
	heirs     map[sms.Epoch]sms.Epoch // who has what an epoch had that is over, 0 = nobody
}

// counts are what a run saw of each kind: a simulation in which nothing happens proves nothing.
type counts struct {
	Submitted, Accepted, Refused, Tried, Delivered, Expired, Deleted, Failed, Receipts, Joined, Crashes, Stops, Steps, Cancelled, Replaced,
	Duplicates, Doubts, Repeated int

	several
}

// several are of lives with several workers: messages that came back to Hermès, or ended at another worker than the one that accepted them,
// among others.
type several struct{ TakenOver, Lapsed, Stalls, Cuts, HandedOn, Inherited, Again int }

type lane struct{ recipient, source, dest string }

type successor struct {
	lane
	submitter string
}

func laneOf(m *sms.Message) lane { return lane{m.Recipient, m.Source.Number, m.Dest.Number} }

// message is what the model knows of a row.
type message struct {
	m          sms.Message // as it was added
	submission *submission // nil = of an earlier life, or the message centre's own
	accepted   bool        // whoever handed it in was told so
	refused    bool
	adder      *life
	added      time.Duration // on disk
	handed     time.Duration // in
	at         time.Duration // of its last try
	state      sms.State
	tries      int
	flying     *life  // nil = no try is under way
	by         *life  // of its last try
	retried    bool   // a try has failed
	ended      bool   // a try has brought it to its end, which may not be on disk yet
	took       bool   // the recipient has it
	doneBy     *life  // that tried it to its end
	progress   string // of what its recipient has, in this life
	content    string
	meddled    bool // somebody has asked for its end, or its change
	came       bool // its schedule has come
	faults     int  // of the server, that its tries brought about
	moved      bool // the clock was set, for a message of a time of the wall clock

	holder sms.Epoch
	key    string   // Idempotency-Key of its last try at Hermès
	with   []sms.ID // of that try
}

func (m *model) init() {
	m.all, m.lanes, m.external, m.handed, m.rates = map[sms.ID]*message{}, map[lane][]*message{}, map[string]sms.ID{}, map[string]time.Duration{}, map[string]int{}
	m.heirs = map[sms.Epoch]sms.Epoch{}
	m.succeeded = map[successor]time.Duration{}
}

// written is told of what is on disk.
func (m *model) written(w *life, b *store.Batch) {
	for _, add := range b.Added {
		if m.all[add.ID] != nil {
			w.fail("message_id %d was given out twice", add.ID)
		}
		o := &message{m: *add, adder: w, holder: w.epoch, added: w.now(), handed: w.now(), state: sms.Enroute, content: string(add.Content)}
		if at, ok := m.handed[o.content]; ok && add.Kind == sms.KindText {
			o.handed = at
		}
		o.meddled = m.replacedIn(o) && o.handed < m.succeeded[successor{laneOf(add), add.Submitter}] // it was on its way then
		m.all[add.ID] = o
		m.order = append(m.order, o)
		k := laneOf(add)
		m.lanes[k] = append(m.lanes[k], o)
		if add.ExternalID != "" && add.Kind == sms.KindText {
			if m.external[add.ExternalID] != 0 {
				w.fail("external id %s is stored twice", add.ExternalID)
			}
			m.external[add.ExternalID] = add.ID
		}
		w.say("on disk: %d kind %d %q from %s to %q, %s → %s, part %v, receipt %v", add.ID, add.Kind, add.Content, add.Submitter, add.Recipient, add.Source.Number, add.Dest.Number, add.Part, add.Receipt)
	}
	for _, step := range b.Steps {
		w.say("on disk: a step of the clock by %v", step.By())
		m.unnoted = slices.DeleteFunc(m.unnoted, func(by time.Duration) bool { return (by - step.By()).Abs() < 100*time.Millisecond })
	}
	m.wrote(w, b)
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			m.end(w.world, id, v)
		}
	}
}

// end is told of a final state on disk.
func (m *model) end(w *world, id sms.ID, v *road.Transition) {
	o := m.all[id]
	switch {
	case o == nil:
		w.fail("message %d has ended, and never was", id)
		return
	case o.state.Final():
		if o.state != v.State {
			w.say("%d is %v already, not %v", id, o.state, v.State)
		}
		return
	}
	w.say("on disk: %d is %v (%s)", id, v.State, v.Reason)
	o.state = v.State
	switch v.State {
	case sms.Delivered:
		m.counts.Delivered++
		if !m.has(o) {
			w.fail("message %d is DELIVERED, and nobody has it", id)
		}
	case sms.Expired:
		m.counts.Expired++
		m.expired(w, o)
	case sms.Deleted:
		m.counts.Deleted++
		if !o.meddled && !o.refused && !m.replacedIn(o) {
			w.fail("message %d is DELETED, and nobody asked for it: %s", id, v.Reason)
		}
	default:
		m.counts.Failed++
	}
}

// has tells whether a recipient has a message, or, of a part that came twice, the other one.
func (m *model) has(o *message) bool {
	return o.took || o.m.Kind == sms.KindDPF || o.m.Part.Total > 0 && slices.ContainsFunc(m.lanes[laneOf(&o.m)], func(other *message) bool {
		return other.took && other.m.Part == o.m.Part && other.content == o.content
	})
}

// expired holds an end against the clock.
func (m *model) expired(w *world, o *message) {
	if m.shifted || o.meddled {
		return
	}
	if early := o.m.ExpiresAt.Sub(o.m.ReceivedAt) - (w.now() - o.handed) - time.Second; o.m.Period && !o.m.Scheduled() && early > 0 {
		w.fail("message %d expires %v too early", o.m.ID, early)
	}
	if early := o.m.ExpiresAt.Sub(time.Now().Add(w.set)) - time.Second; !o.m.Period && !o.moved && early > 0 {
		w.fail("message %d expires %v before its time", o.m.ID, early)
	}
}

// accepted is told of an answer.
func (m *model) accepted(w *world, s *submission, got *sms.Message, duplicate bool) {
	o := m.all[got.ID]
	switch {
	case o == nil:
		w.fail("a submit of %q was answered with message_id %d, which is not on disk", s.m.Content, got.ID)
		return
	case duplicate && s.m.Part.Total > 0: // a part that came again
		m.counts.Repeated++
		return
	case duplicate:
		m.counts.Duplicates++
		return
	}
	m.counts.Accepted++
	o.accepted, o.submission = true, s
}

func (m *model) refused(w *world, s *submission) {
	m.counts.Refused++
	for _, o := range m.order { // it may be on disk all the same: then it is taken back
		if o.content == string(s.m.Content) && o.m.Kind == sms.KindText && o.submission == nil && !o.accepted {
			o.refused = true
		}
	}
}

// told is what somebody who waited is told of an end.
func (m *model) told(w *world, s *submission, got *sms.Message) {
	o := m.all[got.ID]
	switch {
	case s.concluded > 1:
		w.fail("the end of message %d was told %d times", got.ID, s.concluded)
	case o == nil || o.state != got.State:
		w.fail("the end of message %d was told as %v, and is not so on disk", got.ID, got.State)
	}
}

// may be tried in any order: what has a time of its own, or waits for others.
func (o *message) free() bool {
	return o.m.Part.Total > 0 || o.m.Kind != sms.KindText || o.m.Scheduled() || o.meddled || o.refused || o.m.Transaction()
}

// replacedIn tells whether somebody has replaced what waits in a message's conversation.
func (m *model) replacedIn(o *message) bool {
	_, ok := m.succeeded[successor{laneOf(&o.m), o.m.Submitter}]
	return ok
}

// tried holds a try against what is promised; stood = its worker stood still between the choice and the try.
func (m *model) tried(d *deliverer, ms []*sms.Message, incomplete, stood bool) (number int) {
	w := d.world
	m.counts.Tried++
	w.say("try on %q (session %d): %v", d.to, d.session, ids(ms))
	if len(ms) > 1 {
		m.counts.Joined++
		m.joined(w, ms, incomplete)
	}
	for _, got := range ms {
		o := m.all[got.ID]
		if o == nil {
			w.fail("message %d is tried, and not on disk", got.ID)
			continue
		}
		if o.tries++; o.tries > number {
			number = o.tries
		}
		if o.by != d.life {
			o.by, o.faults = d.life, 0
		}
		switch {
		case o.flying != nil:
			w.fail("message %d is tried twice at a time", got.ID)
		case o.state.Final():
			w.fail("message %d is tried, and is %v on disk", got.ID, o.state)
		case o.ended && (o.doneBy == d.life || !o.doneBy.gone()):
			w.fail("message %d is tried again after its end", got.ID)
		case o.refused && o.submission == nil && !m.shifted && !(o.adder.node != nil && o.adder.gone()): // who could have taken it back is no more
			w.fail("message %d is tried, and its submit was refused", got.ID)
		case got.Recipient != d.to:
			w.fail("message %d for %q goes to %q", got.ID, got.Recipient, d.to)
		case string(got.Content) != o.content && !o.meddled:
			w.fail("message %d is tried as %q, and is %q", got.ID, got.Content, o.content)
		case got.Progress < o.progress:
			w.fail("message %d is tried from part %q on, and its recipient has %q", got.ID, got.Progress, o.progress)
		}
		o.flying, o.at = d.life, w.now()
		m.leased(d, o, ms)
		m.early(d, o)
		if !stood {
			m.inOrder(w, o)
			m.onTime(w, o)
		}
	}
	m.fair(w, d, ms[0])
	return number
}

func ids(ms []*sms.Message) (all []sms.ID) {
	for _, m := range ms {
		all = append(all, m.ID)
	}
	return all
}

// joined holds the parts of a text.
func (m *model) joined(w *world, ms []*sms.Message, incomplete bool) {
	total := ms[0].Part.Total
	for i, p := range ms {
		if p.Part.Total != total || p.Part.Ref != ms[0].Part.Ref || i > 0 && p.Part.Seq <= ms[i-1].Part.Seq {
			w.fail("messages %v are no text: %v", ids(ms), p.Part)
		}
	}
	if incomplete == (len(ms) == int(total)) {
		w.fail("of messages %v, %d of %d, incomplete is %t", ids(ms), len(ms), total, incomplete)
	}
}

// early holds a receipt behind the answer to its submit (I5).
func (m *model) early(d *deliverer, o *message) {
	if o.m.Kind != sms.KindReceipt && o.m.Kind != sms.KindIntermediate {
		return
	}
	of := m.all[o.m.Receipt.Of]
	if of == nil {
		d.fail("receipt %d is of message %d, which is not there", o.m.ID, o.m.Receipt.Of)
		return
	}
	s := of.submission
	switch {
	case s == nil && !of.adder.gone():
		d.fail("receipt %d of message %d comes before its submit is answered", o.m.ID, of.m.ID)
		return
	case s == nil || s.gone():
		return
	}
	if s.session != 0 && s.session != d.session && (s.since.IsZero() || time.Since(s.since) < receiptDelay) {
		d.fail("receipt %d on session %d: the answer on session %d is on the wire since %v", o.m.ID, d.session, s.session, s.since)
	}
}

// inOrder holds a first try behind the earlier messages of its conversation (I4).
func (m *model) inOrder(w *world, o *message) {
	if o.free() || o.tries > 1 {
		return
	}
	for _, earlier := range m.lanes[laneOf(&o.m)] {
		if earlier == o {
			return
		}
		if o.adder.node != nil && (earlier.adder != o.adder) || // there is no order over workers
			earlier.free() || earlier.state.Final() || earlier.flying != nil || earlier.ended || !earlier.accepted || m.overdue(w, earlier) ||
			o.m.Recipient != sms.Hermes && earlier.tries > 0 && earlier.at == w.now() { // a session sends several before it hears of one
			continue
		}
		w.fail("message %d is tried before message %d of its conversation", o.m.ID, earlier.m.ID)
		return
	}
}

// overdue tells whether the validity of a message may be over.
func (m *model) overdue(w *world, o *message) bool {
	if o.m.Period && !m.shifted {
		return w.now()-o.handed >= o.m.ExpiresAt.Sub(o.m.ReceivedAt)-time.Second
	}
	return m.shifted || o.moved || !time.Now().Add(w.set).Before(o.m.ExpiresAt.Add(-time.Second))
}

// onTime holds a try behind its schedule.
func (m *model) onTime(w *world, o *message) {
	if o.m.Scheduled() && !o.came && !o.meddled && !m.shifted && o.m.DueAt.After(time.Now().Add(w.set+time.Second)) {
		w.fail("message %d is tried before its time", o.m.ID)
	}
	if m.overdue(w, o) && !o.moved && !m.shifted && !o.meddled && o.m.Period && !o.m.Scheduled() && w.now()-o.handed > o.m.ExpiresAt.Sub(o.m.ReceivedAt)+2*time.Second {
		w.fail("message %d is tried after its validity", o.m.ID)
	}
}

// fair bounds how many tries of others go before a party's message that may be tried (I6).
func (m *model) fair(w *world, d *deliverer, got *sms.Message) {
	if d.to != sms.Hermes || d.node != nil { // among several, each has a part of what waits
		return
	}
	if w.faults.read > 0 { // what cannot be read is tried a second later
		clear(m.rates)
		return
	}
	m.rates[got.Submitter] = 0
	ready := map[string]sms.ID{}
	for _, some := range m.lanes {
		for _, o := range some {
			if o.state.Final() || o.ended {
				continue
			}
			if o.flying == nil && !o.free() && !o.retried && !m.replacedIn(o) && !m.overdue(w, o) && o.accepted && o.m.Recipient == sms.Hermes {
				ready[o.m.Submitter] = o.m.ID
			}
			break
		}
	}
	for _, c := range clients {
		if c == got.Submitter || ready[c] == 0 {
			m.rates[c] = 0
			continue
		}
		if m.rates[c]++; m.rates[c] > 3*window+len(clients) {
			w.fail("%d tries of others go before message %d of %s", m.rates[c], ready[c], c)
			m.rates[c] = 0
		}
	}
}

// progress is what the recipient of a long text says of it: the number of parts that it has, "" = nothing.
func (m *model) progress(d *deliverer, ms []*sms.Message, more int) string {
	if d.to == sms.Hermes || len(ms[0].Content) < 40 || more == 0 {
		return ""
	}
	n, _ := strconv.Atoi(strings.TrimLeft(ms[0].Progress, "0"))
	p := strconv.Itoa(1000 + n%1000 + more)
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := m.all[ms[0].ID]; o != nil && !d.over {
		o.progress = p
	}
	return p
}

// reported is told what comes of a try, before the queue is.
func (m *model) reported(w *world, d *deliverer, ms []*sms.Message, o sms.Outcome) {
	w.say("of %v comes verdict %d", ids(ms), o.Verdict)
	for _, got := range ms {
		k := m.all[got.ID]
		if k == nil {
			continue
		}
		if k.flying != d.life { // another worker has taken over
			k.took = k.took || o.Verdict == sms.Done
			continue
		}
		k.flying = nil
		switch {
		case o.Verdict == sms.Done:
			k.ended, k.took, k.doneBy = true, true, d.life
		case o.Verdict == sms.Failed || o.Verdict == sms.TryAgain && got.SingleAttempt():
			k.ended, k.doneBy = true, d.life
		case o.Verdict == sms.TryAgain:
			if k.retried = true; o.Fault {
				k.faults++
			}
			if k.faults == 3 { // the server's fault is not tried for ever
				k.ended, k.doneBy = true, d.life
			}
		}
	}
}

// stopped is for the end of a life of which everything is on disk.
func (m *model) stopped(w *world, l *life) {
	m.counts.Stops++
	for _, o := range m.order {
		if o.ended && o.doneBy == l && !o.state.Final() {
			w.fail("after a polite stop message %d is %v, and its try has ended", o.m.ID, o.state)
		}
		if o.accepted && !slices.Contains([]sms.State{sms.Enroute, sms.Delivered, sms.Expired, sms.Deleted, sms.Undeliverable, sms.Rejected}, o.state) {
			w.fail("message %d is %v", o.m.ID, o.state)
		}
	}
}

// crashed is for a life that was cut off.
func (m *model) crashed(w *world) {
	m.counts.Crashes++
	m.shifted = m.shifted || len(m.unnoted) > 0
}

// over is for the end of a life: what was in its memory is gone.
func (m *model) over(l *life) {
	for _, o := range m.order {
		if o.by != l && l.node != nil {
			continue
		}
		o.faults = 0
		if o.flying, o.progress = nil, ""; !o.state.Final() {
			o.ended = false
			o.retried = true // it has its turn whenever the conversation's others have had theirs
		}
	}
}
