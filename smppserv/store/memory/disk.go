// Package memory is a database in memory, for tests of what stands on a store: with faults of every kind, and a power cut that takes
// what was not on disk.
//
//	Write ── Options.Write: what becomes of it ── Disk
//	                     ▲
//	                     └── Cut: nothing more gets there
package memory

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"
)

// Disk is what is left when the power goes. Its methods may be called from any goroutine.
type Disk struct {
	mu       sync.Mutex
	open     *database // the one that may write, nil = none
	lastID   sms.ID    // of what was purged
	since    time.Time // when counting began
	messages map[sms.ID]*sms.Message
	ids      []sms.ID // of them, in ascending order
	waiting  []sms.ID // of those that are not final
	tries    map[sms.ID][]sms.Try
	external map[string]sms.ID
	known    map[sms.ID][]sms.ID // by the ID that they are known by
	failed   map[sms.ID]bool
	counters map[tally.Key]tally.Count
	samples  map[int64]store.Sample
	audit    []store.AuditEntry
	audited  int64
	clients  map[string]store.ClientNote
	steps    []road.ClockStep
	purgedAt time.Time
	shared
}

// NewDisk makes an empty one.
func NewDisk() *Disk {
	return &Disk{since: milli(time.Now()), messages: map[sms.ID]*sms.Message{}, tries: map[sms.ID][]sms.Try{}, external: map[string]sms.ID{},
		known: map[sms.ID][]sms.ID{}, failed: map[sms.ID]bool{}, counters: map[tally.Key]tally.Count{}, samples: map[int64]store.Sample{},
		clients: map[string]store.ClientNote{}, shared: newShared()}
}

// Messages calls f for each message, in ascending order of their IDs. f must neither keep nor change it.
func (d *Disk) Messages(f func(*sms.Message)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range d.ids {
		f(d.messages[id])
	}
}

// Waiting is how many messages are not final.
func (d *Disk) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}

// milli is a time as it is kept.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli())
}

// kept is a message as its row keeps it, part of its text.
func kept(m *sms.Message, part store.Part) *sms.Message {
	c := *m
	c.First = nil
	c.TLVs = bytes.Clone(m.TLVs)
	switch part {
	case store.Whole:
		c.Content = bytes.Clone(m.Content)
	case store.Head:
		c.Content = bytes.Clone(m.Content[:min(len(m.Content), sms.HeadOctets)])
	default:
		c.Content = nil
	}
	for _, t := range []*time.Time{&c.ReceivedAt, &c.StoredAt, &c.DueAt, &c.ExpiresAt, &c.FinalAt, &c.TriedAt} {
		*t = milli(*t)
	}
	c.Took, c.Wait = c.Took.Truncate(time.Millisecond), c.Wait.Truncate(time.Millisecond)
	if m.Receipt != nil {
		r := *m.Receipt
		r.SubmittedAt, r.DoneAt = milli(r.SubmittedAt), milli(r.DoneAt)
		c.Receipt = &r
	}
	return &c
}

// write writes a batch, all of it: what could fail was looked at before.
func (d *Disk) write(b *store.Batch, by sms.Epoch) {
	d.purge(b)
	d.transactions++
	for _, m := range b.Added {
		row := kept(m, store.Whole)
		row.Holder = by
		if m.Holder == 0 {
			d.came(m)
		}
		d.messages[m.ID] = row
		d.ids = insert(d.ids, m.ID)
		d.waiting = insert(d.waiting, m.ID)
		if m.ExternalID != "" {
			d.external[m.ExternalID] = m.ID
		}
		if m.KnownBy != 0 {
			d.known[m.KnownBy] = append(d.known[m.KnownBy], m.ID)
		}
	}
	for _, v := range b.Tried {
		for _, id := range v.IDs {
			d.tried(id, v, b.Tally)
		}
	}
	for _, m := range b.Changed {
		if old := d.unended(m.ID); old != nil {
			changed := kept(m, store.Whole)
			changed.State, changed.Attempts, changed.Error, changed.Reason, changed.FinalAt = old.State, old.Attempts, old.Error, old.Reason, old.FinalAt
			changed.TriedAt, changed.Took, changed.Through, changed.Unjudged = old.TriedAt, old.Took, old.Through, old.Unjudged
			changed.PushKey, changed.Progress, changed.Recipient = old.PushKey, old.Progress, old.Recipient
			changed.Holder, changed.HandedBy = old.Holder, old.HandedBy
			d.messages[m.ID] = changed
		}
	}
	d.ended(b)
	for _, r := range b.Readdressed {
		for _, id := range r.IDs {
			if m := d.unended(id); m != nil {
				m.Recipient, m.Progress = r.Recipient, ""
			}
			b.Tally.Forget(id)
		}
	}
	d.handOn(b, by)
	d.jobs(b, by)
	d.records(b)
	_ = b.Tally.Rows(func(r *tally.Row) error {
		key := r.Key
		d.counters[key] = r.Count
		return nil
	})
	d.erased(b)
}

// insert puts an id into its place; most are the last one.
func insert(ids []sms.ID, id sms.ID) []sms.ID {
	at := len(ids)
	for at > 0 && ids[at-1] > id {
		at--
	}
	return slices.Insert(ids, at, id)
}

// erased is what an erasure changes besides messages.
func (d *Disk) erased(b *store.Batch) {
	for _, r := range b.Renamed {
		for key, count := range maps.Clone(d.counters) {
			if key.Campaign == r.Campaign && key.Hour >= r.From && key.Hour < r.Until {
				delete(d.counters, key)
				key.Campaign = r.To
				d.counters[key] = count
			}
		}
	}
	for _, e := range b.Reworded {
		for i := range d.audit {
			if d.audit[i].ID == e.ID {
				d.audit[i].On, d.audit[i].More = e.On, e.More
			}
		}
	}
}

// unended is a message that waits, nil = there is none.
func (d *Disk) unended(id sms.ID) *sms.Message {
	if m := d.messages[id]; m != nil && !m.State.Final() {
		return m
	}
	return nil
}

func (d *Disk) tried(id sms.ID, v *road.Transition, t *tally.Sheet) {
	m := d.unended(id)
	if m == nil {
		return
	}
	if v.Progress != "" {
		m.Progress = v.Progress
	}
	if v.Underway {
		return
	}
	unjudged := v.Unjudged && !v.At.IsZero()
	alike := m.Error == v.Error && m.Reason == v.Reason
	if !(unjudged && m.Unjudged > 0 && alike) {
		d.keepTry(m)
	}
	switch {
	case !unjudged:
		m.Unjudged = 0
	case alike:
		m.Unjudged++
	default:
		m.Unjudged = 1
	}
	m.State, m.Attempts, m.Error, m.Reason = v.State, v.Attempts, v.Error, v.Reason
	if !v.DueAt.IsZero() {
		m.DueAt, m.Wait = milli(v.DueAt), v.Wait.Truncate(time.Millisecond)
	}
	if v.PushKey != "" {
		m.PushKey = v.PushKey
	}
	setTry(m, v)
	t.Tried(id)
}

// keepTry has the try that the row has, if any, among those beside it.
func (d *Disk) keepTry(m *sms.Message) {
	if try, ok := lastTry(m); ok {
		d.tries[m.ID] = append(d.tries[m.ID], try)
	}
}

func lastTry(m *sms.Message) (sms.Try, bool) {
	return sms.Try{At: m.TriedAt, Took: m.Took, Through: m.Through, Error: m.Error, Reason: m.Reason, Unjudged: m.Unjudged}, !m.TriedAt.IsZero()
}

func setTry(m *sms.Message, v *road.Transition) {
	m.TriedAt, m.Took, m.Through = milli(v.At), v.Took.Truncate(time.Millisecond), v.Through
	if v.At.IsZero() {
		m.Took, m.Through = 0, ""
	}
}

func (d *Disk) ended(b *store.Batch) {
	some := false
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			m := d.unended(id)
			if m == nil {
				continue
			}
			some = true
			d.keepTry(m)
			m.State, m.FinalAt, m.Attempts, m.Error, m.Reason, m.Unjudged = v.State, milli(b.Now), v.Attempts, v.Error, v.Reason, 0
			setTry(m, v)
			if v.State != sms.Delivered && v.State != sms.Deleted {
				d.failed[id] = true
			}
			if !b.Tally.Known(id) {
				b.Tally.Learn(m)
			}
			_ = b.Tally.End(id, v.State, v.Error, store.Milli(b.Now)) // the counters are in memory
		}
	}
	if some {
		d.waiting = slices.DeleteFunc(d.waiting, func(id sms.ID) bool { return d.messages[id].State.Final() })
	}
}

func (d *Disk) purge(b *store.Batch) {
	if len(b.Purged) == 0 {
		return
	}
	d.lastID = max(d.lastID, b.LastID)
	for _, r := range b.Purged {
		for id := range d.inRange(r.From, r.To) {
			if m := d.messages[id]; m.State.Final() {
				delete(d.messages, id)
				delete(d.tries, id)
				delete(d.failed, id)
				if m.ExternalID != "" && d.external[m.ExternalID] == id {
					delete(d.external, m.ExternalID)
				}
				if m.KnownBy != 0 {
					d.known[m.KnownBy] = slices.DeleteFunc(d.known[m.KnownBy], func(o sms.ID) bool { return o == id })
				}
			}
		}
	}
	d.ids = slices.DeleteFunc(d.ids, func(id sms.ID) bool { return d.messages[id] == nil })
}

// inRange are the messages from one to another one, in ascending order.
func (d *Disk) inRange(from, to sms.ID) func(func(sms.ID) bool) {
	first, _ := slices.BinarySearch(d.ids, from)
	return func(yield func(sms.ID) bool) {
		for _, id := range d.ids[first:] {
			if id > to || !yield(id) {
				return
			}
		}
	}
}

func (d *Disk) jobs(b *store.Batch, by sms.Epoch) {
	for _, step := range b.Steps {
		d.steps = append(d.steps, road.ClockStep{LastID: step.LastID, OnTheirWay: b.LastID, From: milli(step.From), To: milli(step.To), Of: []sms.Epoch{by}})
		oldest := max(step.LastID, b.LastID)
		if len(d.waiting) > 0 {
			oldest = d.waiting[0]
		}
		d.steps = slices.DeleteFunc(d.steps, func(s road.ClockStep) bool { return max(s.LastID, s.OnTheirWay) < oldest })
		d.steps = d.steps[max(0, len(d.steps)-store.MaxClockSteps):]
	}
	if !b.PurgedAt.IsZero() {
		d.purgedAt = milli(b.PurgedAt)
	}
}

func (d *Disk) records(b *store.Batch) {
	for _, s := range b.Samples {
		s.At, s.Oldest = milli(s.At), s.Oldest.Truncate(time.Millisecond)
		d.samples[store.Milli(s.At)] = s
	}
	for _, e := range b.Audit {
		d.audited++
		e.ID, e.At = d.audited, milli(e.At)
		d.audit = append(d.audit, e)
	}
	for _, n := range b.Noted {
		have := d.clients[n.Client]
		have.Client = n.Client
		for _, e := range []struct{ to, from *store.ClientEvent }{{&have.Bound, &n.Bound}, {&have.Unbound, &n.Unbound}, {&have.Refused, &n.Refused}} {
			if !e.from.At.IsZero() {
				*e.to = *e.from
				e.to.At = milli(e.from.At)
			}
		}
		d.clients[n.Client] = have
	}
	for _, n := range b.Paused {
		have := d.clients[n.Client]
		have.Client, have.Paused = n.Client, n.Paused
		have.Paused.Since = milli(n.Paused.Since)
		d.clients[n.Client] = have
	}
	d.outdated(b.Outdated)
}

func (d *Disk) outdated(h store.Horizon) {
	var keys []tally.Key
	for key := range d.counters {
		if key.Hour < h.Counters {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b tally.Key) int { return cmp.Compare(a.Hour, b.Hour) })
	for _, key := range keys[:min(len(keys), store.OutdatedStep)] {
		delete(d.counters, key)
	}
	var minutes []int64
	for minute := range d.samples {
		if minute < h.Samples {
			minutes = append(minutes, minute)
		}
	}
	slices.Sort(minutes)
	for _, minute := range minutes[:min(len(minutes), store.OutdatedStep)] {
		delete(d.samples, minute)
	}
	for n := store.OutdatedStep; n > 0 && len(d.audit) > 0 && store.Milli(d.audit[0].At) < h.Audit; n-- {
		d.audit = d.audit[1:]
	}
}
