package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/smppserv/sms"
)

// ClientNote is what is kept of a client over a restart.
type ClientNote struct {
	Client                  string // system_id
	Bound, Unbound, Refused ClientEvent
	Paused                  Pause
}

// ClientEvent is the last one of its kind; a zero At = there was none.
type ClientEvent struct {
	At     time.Time
	Remote string // host:port
	Why    string // in words, "" = there is nothing to say
}

// Pause is that nothing is sent to a client; a zero Since = it is not so.
type Pause struct {
	Since time.Time
	By    string
}

// merge has the events of o, which came later.
func (n *ClientNote) merge(o *ClientNote) {
	for _, e := range []struct{ to, from *ClientEvent }{{&n.Bound, &o.Bound}, {&n.Unbound, &o.Unbound}, {&n.Refused, &o.Refused}} {
		if !e.from.At.IsZero() {
			*e.to = *e.from
		}
	}
}

// noteTime is the least time between two writes of what is noted of clients.
const noteTime = time.Second

// notes are those of clients that are not on disk.
type notes struct {
	mu      sync.Mutex
	waiting map[string]*ClientNote
	written map[string]*ClientNote // they are being
	last    map[string]*ClientNote // of these two, when the store was closed
	writes  int                    // that have ended
	timer   *time.Timer
	next    time.Time // when they may be written
}

// NoteClient keeps those events of n that are not zero, each in the place of the one before; Paused is left alone. It returns at once,
// and it is on disk within about a second: a flood of them is one write a second. It is for clients of the configuration: there is
// no other bound on their number.
func (s *Store) NoteClient(n ClientNote) {
	ns := &s.notes
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.waiting == nil {
		ns.waiting = map[string]*ClientNote{}
	}
	if ns.waiting[n.Client] == nil {
		ns.waiting[n.Client] = &ClientNote{Client: n.Client}
	}
	ns.waiting[n.Client].merge(&n)
	s.arrangeNotes()
}

// arrangeNotes has what waits written when it may be. notes.mu is held.
func (s *Store) arrangeNotes() {
	ns := &s.notes
	if len(ns.waiting) == 0 || ns.written != nil {
		return
	}
	wait := max(time.Until(ns.next), 0)
	if ns.timer == nil {
		ns.timer = time.AfterFunc(wait, s.writeNotes)
	} else {
		ns.timer.Reset(wait)
	}
}

// writeNotes hands what waits to the committer.
func (s *Store) writeNotes() {
	ns := &s.notes
	ns.mu.Lock()
	if len(ns.waiting) == 0 || ns.written != nil {
		ns.mu.Unlock()
		return
	}
	written := ns.waiting
	ns.written, ns.waiting, ns.next = written, nil, time.Now().Add(noteTime)
	ns.mu.Unlock()
	if !s.push(op{fill: noting(written), done: s.notesWritten}) {
		s.notesWritten(nil) // the store is closed
	}
}

func noting(all map[string]*ClientNote) func(*Batch) error {
	return func(b *Batch) error {
		for _, client := range slices.Sorted(maps.Keys(all)) {
			b.Noted = append(b.Noted, *all[client])
		}
		return nil
	}
}

// lastNotes hands what waits to the committer, and once more what is being written, which may fail: it is the last thing that this takes.
func (s *Store) lastNotes() {
	ns := &s.notes
	ns.mu.Lock()
	defer ns.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if len(ns.written)+len(ns.waiting) == 0 {
		return
	}
	ns.last = map[string]*ClientNote{}
	for _, some := range []map[string]*ClientNote{ns.written, ns.waiting} {
		for client, n := range some {
			if ns.last[client] == nil {
				ns.last[client] = &ClientNote{Client: client}
			}
			ns.last[client].merge(n)
		}
	}
	ns.waiting = nil
	s.pending = append(s.pending, op{fill: noting(ns.last), last: true, done: s.lastNotesWritten})
	s.pushed++
}

func (s *Store) lastNotesWritten(err error) {
	ns := &s.notes
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.writes++; err == nil {
		ns.last = nil
	}
}

func (s *Store) notesWritten(err error) {
	ns := &s.notes
	ns.mu.Lock()
	defer ns.mu.Unlock()
	written := ns.written
	ns.written = nil
	ns.writes++
	if err != nil && ns.last == nil { // what came since is later
		for client, n := range ns.waiting {
			if written[client] == nil {
				written[client] = n
			} else {
				written[client].merge(n)
			}
		}
		ns.waiting = written
	}
	s.arrangeNotes()
}

// PauseClient keeps that a client is paused, or, with the zero Pause, that it is not. It returns at once; done tells when it is on
// disk.
func (s *Store) PauseClient(client string, p Pause, done func(error)) {
	fill := func(b *Batch) error {
		b.Paused = append(b.Paused, ClientNote{Client: client, Paused: p})
		return nil
	}
	if !s.push(op{fill: fill, done: done}) {
		done(sms.ErrUnavailable)
	}
}

// ClientNotes lists all that is kept, what is on its way to disk included, in ascending order of the clients.
func (s *Store) ClientNotes(ctx context.Context) ([]ClientNote, error) {
	const looks = 3
	before := s.notes.writesNow()
	for look := 1; ; look++ {
		onDisk, err := s.database.ClientNotes(ctx)
		if err != nil {
			return nil, fmt.Errorf("store: read what is kept of clients: %w", err)
		}
		now := s.notes.mergeInto(&onDisk)
		if now == before || look == looks {
			return onDisk, nil
		}
		before = now // what was under way when the disk was read may be there by now
	}
}

func (ns *notes) writesNow() int {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.writes
}

// mergeInto adds what is not on disk yet, and tells how many writes have ended.
func (ns *notes) mergeInto(onDisk *[]ClientNote) (writes int) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for _, underway := range []map[string]*ClientNote{ns.written, ns.last, ns.waiting} {
		for client, n := range underway {
			at, found := slices.BinarySearchFunc(*onDisk, client, func(n ClientNote, client string) int { return strings.Compare(n.Client, client) })
			if !found {
				*onDisk = slices.Insert(*onDisk, at, ClientNote{Client: client})
			}
			(*onDisk)[at].merge(n)
		}
	}
	return ns.writes
}

// Readdress gives messages that are not final to another recipient, in one transaction. At most a thousand at once. It returns at
// once; done tells when it is on disk. They stay counted where they were accepted.
func (s *Store) Readdress(ids []sms.ID, recipient string, done func(error)) {
	fill := func(b *Batch) error {
		b.Readdressed = append(b.Readdressed, Readdressed{ids, recipient})
		return nil
	}
	if !s.push(op{fill: fill, done: done}) {
		done(sms.ErrUnavailable)
	}
}
