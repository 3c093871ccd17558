package operators

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Topic is something that pages show, and that has changed.
type Topic uint32

const (
	TopicStatus Topic = 1 << iota
	TopicClients
	TopicMessages
	TopicWaiting
	TopicLog
	TopicSettings
	TopicAudit
)

var topicNames = [...]string{"status", "clients", "messages", "waiting", "log", "settings", "audit"}

func (t Topic) names() (names []string) {
	for ; t != 0; t &= t - 1 {
		names = append(names, topicNames[bits.TrailingZeros32(uint32(t))])
	}
	return names
}

// changesEvery is the least time between two tellings.
const changesEvery = time.Second

// changes tells listeners what has changed. While there are none, a change costs one atomic load.
type changes struct {
	listeners atomic.Int32
	pending   atomic.Uint32
	wake      chan struct{}

	mu     sync.Mutex
	all    map[*listener]struct{}
	closed chan struct{} // of the distributor; nil = there is none
}

type listener struct {
	out  chan []string
	told Topic // what was put there last
}

func (c *changes) init() { c.wake, c.all = make(chan struct{}, 1), map[*listener]struct{}{} }

// Changed notes that something has changed. It returns at once, and may be called under any lock.
func (c *changes) Changed(t Topic) {
	if c.listeners.Load() == 0 || Topic(c.pending.Load())&t == t {
		return
	}
	c.pending.Or(uint32(t))
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Changes implements admin.Operators.
func (c *changes) Changes(ctx context.Context) <-chan []string {
	l := &listener{out: make(chan []string, 1)}
	c.mu.Lock()
	c.all[l] = struct{}{}
	c.listeners.Add(1)
	if c.closed == nil {
		c.closed = make(chan struct{})
		go c.distribute(c.closed)
	}
	c.mu.Unlock()
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, l)
		close(l.out)
		if c.listeners.Add(-1) == 0 {
			close(c.closed)
			c.closed = nil
			c.pending.Store(0)
		}
	})
	return l.out
}

// distribute tells all listeners, at most once in changesEvery, until there are none.
func (c *changes) distribute(ended <-chan struct{}) {
	again := time.NewTimer(0)
	defer again.Stop()
	<-again.C
	for {
		select {
		case <-ended:
			return
		case <-c.wake:
		}
		if t := Topic(c.pending.Swap(0)); t != 0 {
			c.tell(t)
		}
		again.Reset(changesEvery)
		select {
		case <-ended:
			return
		case <-again.C:
		}
	}
}

func (c *changes) tell(t Topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.all {
		select {
		case <-l.out: // it is slow: what it has not taken is part of what it gets now
			l.told |= t
		default:
			l.told = t
		}
		l.out <- l.told.names()
	}
}
