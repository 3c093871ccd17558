package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// about are the lines whose message has that word.
func (l *lines) about(word string) (found []map[string]any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && strings.Contains(fields["message"].(string), word) {
			found = append(found, fields)
		}
	}
	return found
}

func TestAStepOfTheClockIsSaidOnceWithBothTimes(t *testing.T) {
	var log lines
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(&log) })
	r.add(r.lasting("m", day))
	before, _ := r.clock.read()
	r.setClock(-2 * time.Hour)
	for range 3 {
		r.noticed()
	}
	said := log.about("clock")
	if len(said) != 1 || said[0]["level"] != "warn" || said[0]["by"] == nil {
		t.Fatalf("got %v", said)
	}
	for field, want := range map[string]time.Time{"from": before, "to": before.Add(-2 * time.Hour)} {
		got, err := time.Parse(time.RFC3339, said[0][field].(string))
		if off := got.Sub(want).Abs(); err != nil || off > time.Minute {
			t.Errorf("%s is %v, want %v", field, said[0][field], want)
		}
	}
}

func TestAClockThatRunsALittleFastIsFollowedWithoutAWord(t *testing.T) {
	var log lines
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(&log) })
	h := r.hermes()
	m := r.text("m")
	m.DueAt = m.ReceivedAt.Add(20 * time.Second)
	r.add(m)
	for range 60 {
		r.setClock(400 * time.Millisecond)
	}
	h.next("m").done()
	if said := log.about("clock"); len(said) > 0 {
		t.Errorf("got %v", said)
	}
	r.emptied()
}

func TestTheStepsOfTheClockThatAreKeptHaveABound(t *testing.T) {
	r := newRig(t, nil)
	r.add(r.lasting("m", day))
	r.q.mu.Lock()
	for range 3 * maxSteps {
		r.clock.step(-time.Hour)
		r.q.look()
		r.clock.step(time.Hour)
		r.q.look()
		r.q.unnoted()
	}
	kept := len(r.q.steps)
	r.q.mu.Unlock()
	if kept > maxSteps {
		t.Errorf("%d steps are in memory", kept)
	}
}

// noSteps is a store whose disk does not take the steps of the clock at first.
type noSteps struct {
	Store
	mu      sync.Mutex
	refused int
}

func (s *noSteps) NoteClockStep(step road.ClockStep, done func(error)) {
	s.mu.Lock()
	s.refused++
	first := s.refused == 1
	s.mu.Unlock()
	if first {
		done(errors.New("the disk is full"))
		return
	}
	s.Store.NoteClockStep(step, done)
}

func TestAStepThatTheDiskDidNotTakeIsWrittenLater(t *testing.T) {
	r := newRig(t, nil)
	r.q.o.Store = &noSteps{Store: r.store}
	m := r.lasting("m", day)
	r.add(m)
	r.setClock(3 * day)
	if steps := r.awaitStepsOnDisk(1); steps[0].LastID != m.ID {
		t.Errorf("on disk is %v", steps[0])
	}
}

func TestStepsReachTheDiskInTheirOrderAndAStopWaitsForThem(t *testing.T) {
	r := newRig(t, nil)
	r.q.o.Store = &noSteps{Store: r.store}
	r.add(r.lasting("m", day))
	for _, by := range []time.Duration{3 * time.Hour, -2 * time.Hour} {
		r.setClock(by)
	}
	r.stop()
	steps, err := r.store.ClockSteps(t.Context())
	if err != nil || len(steps) != 2 || steps[0].By() < 2*time.Hour || steps[1].By() > -time.Hour {
		t.Errorf("on disk are %v, %v", steps, err)
	}
}
