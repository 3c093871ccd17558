package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// shared is what is on a Disk because several workers have it: as in the tables fences, estates and groups of PostgreSQL, and in the columns
// holder, handed_by and arrived.
//
//	holder of a waiting message = an epoch ── a worker's own, or that of an estate it owns
type shared struct {
	epochs       sms.Epoch // that were given out
	fences       map[sms.Epoch]bool
	estates      map[sms.Epoch]estate
	groups       map[longText]*group
	parts        map[sms.ID]*group    // those that are not where the others are
	names        map[sms.Epoch]string // of the workers whose lives they were
	reserved     sms.ID               // the last one that a worker has
	transactions uint64
	arrived      map[sms.ID]uint64 // by which transaction
}

// estate is what an epoch had that is over. Owner 0 = nobody has it yet; settled = the owner has taken it up.
type estate struct {
	owner   sms.Epoch
	settled bool
}

type longText struct {
	submitter, source, destination string
	part                           sms.Part // without Seq
	form                           sms.PartForm
}

// group has the parts that were given to an epoch, by their numbers as they came in at any worker, and how many of these the epoch has.
type group struct {
	epoch sms.Epoch
	until time.Time
	given []byte
	came  int
}

// over tells that the epoch has all that it was given: each part once. One that came again may be the next text's.
func (g *group) over(total byte) bool {
	return g.came == int(total) && len(g.given) == int(total) && len(slices.Compact(slices.Sorted(slices.Values(g.given)))) == int(total)
}

func newShared() shared {
	return shared{fences: map[sms.Epoch]bool{}, estates: map[sms.Epoch]estate{}, groups: map[longText]*group{}, parts: map[sms.ID]*group{}, names: map[sms.Epoch]string{}, arrived: map[sms.ID]uint64{}}
}

// Epoch gives out an epoch that was never used: its worker may write until Bequeath.
func (d *Disk) Epoch() sms.Epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.epochs++
	d.fences[d.epochs] = true
	return d.epochs
}

// Bequeath takes away the fence of an epoch, which writes nothing more from then on, and gives all that it had to another one, 0 = to whoever
// claims it. It does nothing where one of them is over, or may says no, which must not ask the Disk, and may be nil.
func (d *Disk) Bequeath(e, heir sms.Epoch, may func() bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.fences[e] || heir != 0 && !d.fences[heir] || may != nil && !may() {
		return false
	}
	delete(d.fences, e)
	d.estates[e] = estate{owner: heir}
	for of, had := range d.estates {
		if had.owner == e {
			d.estates[of] = estate{owner: heir}
		}
	}
	return true
}

// Claim gives an epoch what nobody has, of which it tells, and lists all that it owns, in ascending order; ok = it is not over. told must
// not ask the Disk, and may be nil.
func (d *Disk) Claim(e sms.Epoch, told func(estate sms.Epoch)) (owned []sms.Epoch, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.fences[e] {
		return nil, false
	}
	for of, had := range d.estates {
		if had.owner == 0 {
			d.estates[of] = estate{owner: e}
			if told != nil {
				told(of)
			}
		}
		if d.estates[of].owner == e {
			owned = append(owned, of)
		}
	}
	slices.Sort(owned)
	return owned, true
}

// Settle notes that an epoch has taken up what these had.
func (d *Disk) Settle(e sms.Epoch, estates []sms.Epoch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, of := range estates {
		if d.estates[of].owner == e {
			d.estates[of] = estate{e, true}
		}
	}
}

// Owner is which epoch has what an epoch held, 0 = nobody yet.
func (d *Disk) Owner(e sms.Epoch) sms.Epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.owner(e)
}

func (d *Disk) owner(e sms.Epoch) sms.Epoch {
	if over, ok := d.estates[e]; ok {
		return over.owner
	}
	return e
}

// Arrived lists the waiting messages that were handed to these holders by a transaction after one, in ascending order, and the last
// transaction.
func (d *Disk) Arrived(holders []sms.Epoch, after uint64) (ids []sms.ID, last uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range d.waiting {
		if d.arrived[id] > after && slices.Contains(holders, d.messages[id].Holder) {
			ids = append(ids, id)
		}
	}
	return ids, d.transactions
}

// admitted tells whether the epoch has its fence; the Disk is locked, as in what follows.
func (d *database) admitted() bool { return d.o.Epoch == 0 || d.disk.fences[d.o.Epoch] }

// taken tells that another worker has stored an external id meanwhile.
func (d *database) taken(b *store.Batch) bool {
	return slices.ContainsFunc(b.Added, func(m *sms.Message) bool { return m.ExternalID != "" && d.disk.external[m.ExternalID] != 0 })
}

// holds tells whether what an epoch holds is this one's.
func (d *database) holds(e sms.Epoch) bool { return d.disk.owner(e) == d.o.Epoch }

// isLife tells whether an epoch is a life of this worker, the present one or one before; of who has the disk for itself all are.
func (d *database) isLife(e sms.Epoch) bool { return d.o.Epoch == 0 || d.disk.names[e] == d.o.Node }

// stepsSeen are the steps of the clock as this epoch sees them.
func (d *database) stepsSeen() []road.ClockStep {
	steps := slices.Clone(d.disk.steps)
	for i := range steps {
		of := steps[i].Of[0]
		if steps[i].Of = nil; d.isLife(of) {
			continue
		}
		for e, name := range d.disk.names {
			if name == d.disk.names[of] {
				steps[i].Of = append(steps[i].Of, e)
			}
		}
	}
	return steps
}

// seen is a message as this epoch sees it.
func (d *database) seen(m *sms.Message, part store.Part) *sms.Message {
	c := kept(m, part)
	if c.AcceptedBy = cmp.Or(m.HandedBy, m.Holder); d.isLife(c.AcceptedBy) {
		c.AcceptedBy = 0
	}
	if e := d.disk.owner(m.Holder); e != 0 {
		c.Holder = e
	}
	if c.Holder == d.o.Epoch || c.State.Final() {
		c.Holder = 0
	}
	return c
}

func textOf(m *sms.Message) longText {
	p := m.Part
	p.Seq = 0
	return longText{m.Submitter, m.Source.Number, m.Dest.Number, p, m.PartForm}
}

func (d *database) gathers(m *sms.Message) bool { return d.o.GroupTime > 0 && m.Gathers() }

// group gives parts of a long text the holder that has its first one, and is the holder of those that nobody has.
func (d *database) group(b *store.Batch) {
	now := time.Now()
	for _, m := range b.Added {
		if !d.gathers(m) {
			continue
		}
		t := textOf(m)
		g := d.disk.groups[t]
		if g == nil || g.until.Before(now) {
			g = &group{epoch: d.o.Epoch, until: now.Add(d.o.GroupTime)}
			d.disk.groups[t] = g
		}
		g.given = append(g.given, m.Part.Seq)
		d.disk.parts[m.ID] = g
		if !d.holds(g.epoch) {
			m.Holder = g.epoch
		}
	}
}

// ungroup takes back what group noted of a batch of which nothing is on disk.
func (d *database) ungroup(b *store.Batch) {
	for _, m := range b.Added {
		if g := d.disk.parts[m.ID]; g != nil && d.gathers(m) {
			delete(d.disk.parts, m.ID)
			if i := slices.Index(g.given, m.Part.Seq); i >= 0 {
				g.given = slices.Delete(g.given, i, i+1)
			}
		}
	}
}

// came counts a part that has come to the worker which has the others of its text, and ends the group that is whole by that.
func (d *Disk) came(m *sms.Message) {
	t, g := textOf(m), d.parts[m.ID]
	if delete(d.parts, m.ID); g == nil || d.groups[t] != g {
		return
	}
	if g.came++; g.over(m.Part.Total) {
		delete(d.groups, t)
	}
}

// place says of a part that waits where the others of its text are, if that is elsewhere.
func (d *database) place(m *sms.Message) {
	if d.gathers(m) && m.PushKey == "" {
		if g := d.disk.groups[textOf(m)]; g != nil && !g.until.Before(time.Now()) && !d.holds(g.epoch) {
			m.Holder = g.epoch
		}
	}
}

func (d *Disk) handOn(b *store.Batch, by sms.Epoch) {
	for _, h := range b.HandedOn {
		for _, id := range h.IDs {
			if m := d.unended(id); m != nil && d.owner(m.Holder) == by {
				if m.HandedBy == 0 {
					m.HandedBy = m.Holder
				}
				m.Holder = h.To
				d.came(m)
				d.arrived[id] = d.transactions
			}
		}
	}
}

// HandedOn implements store.Database.
func (d *database) HandedOn(ctx context.Context, by []sms.Epoch, f func(*sms.Message)) error {
	var ms []*sms.Message
	type place struct {
		accepted                  sms.Epoch
		recipient, source, number string
	}
	placeOf := func(m *sms.Message) place { return place{m.HandedBy, m.Recipient, m.Source.Number, m.Dest.Number} }
	err := d.read(ctx, func() {
		behind := map[place]bool{} // of what was handed to them
		for _, id := range d.disk.waiting {
			if m := d.disk.messages[id]; d.disk.arrived[id] > 0 && slices.Contains(by, m.Holder) {
				behind[placeOf(m)] = true
			}
		}
		for _, id := range d.disk.waiting {
			m := d.disk.messages[id]
			if d.disk.arrived[id] > 0 && (slices.Contains(by, m.HandedBy) || behind[placeOf(m)]) && m.Recipient != sms.Hermes && !d.holds(m.Holder) {
				ms = append(ms, d.seen(m, store.Bare))
			}
		}
	})
	for _, m := range ms {
		f(m)
	}
	return err
}

// Holders implements store.Database: what an epoch that is over had is at its owner as soon as that has taken it up.
func (d *database) Holders(ctx context.Context, ids []sms.ID) (map[sms.ID]sms.Epoch, error) {
	at := make(map[sms.ID]sms.Epoch, len(ids))
	err := d.read(ctx, func() {
		for _, id := range ids {
			m := d.disk.unended(id)
			if m == nil {
				continue
			}
			at[id] = m.Holder
			if e := d.disk.estates[m.Holder]; e.owner != 0 && e.settled {
				at[id] = e.owner
			}
			if d.holds(m.Holder) {
				at[id] = 0
			}
		}
	})
	return at, err
}

// HeldElsewhere implements store.Database.
func (d *database) HeldElsewhere(ctx context.Context, like *sms.Message, limit int) (ms []*sms.Message, err error) {
	err = d.read(ctx, func() {
		for _, id := range d.disk.waiting {
			m := d.disk.messages[id]
			if len(ms) < limit && !d.holds(m.Holder) && m.Submitter == like.Submitter && m.Recipient == like.Recipient && m.Source.Number == like.Source.Number &&
				m.Dest.Number == like.Dest.Number && (like.ServiceType == "" || m.ServiceType == like.ServiceType) {
				ms = append(ms, d.seen(m, store.Bare))
			}
		}
	})
	return ms, err
}
