package queue

import (
	"testing"
	"time"
)

func TestWhileDeadlinesAreNotMindedNobodyIsWokenForThem(t *testing.T) {
	r := newRig(t, nil)
	m := r.text("m")
	m.DueAt = m.ReceivedAt.Add(time.Hour)
	r.add(m)
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.sleep(); d > lookWaiting {
		t.Errorf("with a deadline it sleeps for %v", d)
	}
	q.stopping = true
	if d := q.sleep(); d != lookIdle {
		t.Errorf("while it stops it sleeps for %v", d)
	}
	q.stopping = false
	for range 2 * step {
		q.ends.push(ending{})
	}
	q.unwritten = maxUnwritten
	if d := q.sleep(); d != lookIdle {
		t.Errorf("while the disk takes no end it sleeps for %v", d)
	}
	for q.ends.len() > 0 {
		q.ends.pop()
	}
	q.unwritten = 0
}
