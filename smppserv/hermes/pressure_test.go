package hermes

import (
	"testing"
	"time"
)

// pressed plays tries, one after the other, and tells what follows.
type pressed struct {
	pressure
	clock        time.Time
	conversation uint64
}

func newPressed(most int) *pressed {
	return &pressed{pressure: newPressure(most), clock: time.Unix(0, 0)}
}

func (p *pressed) end(number, epoch uint64, k kind, after time.Duration) verdict {
	return p.learn(number, epoch, k, after, p.clock, []time.Duration{time.Second}, func() uint64 { return p.conversation })
}

func (p *pressed) try(k kind, after time.Duration) verdict {
	number, epoch := p.begin(p.clock)
	return p.end(number, epoch, k, after)
}

// round has as many in flight as may be, and all end so.
func (p *pressed) round(k kind) {
	type try struct{ number, epoch uint64 }
	var all []try
	for range p.now() {
		number, epoch := p.begin(p.clock)
		all = append(all, try{number, epoch})
	}
	for _, t := range all {
		p.end(t.number, t.epoch, k, 0)
	}
}

func TestPushesBeginOneAtATimeAndEachRoundOfAnswersAddsOneUpToConcurrency(t *testing.T) {
	p := newPressed(32)
	for want := 1; want <= 40; want++ {
		if got := p.now(); got != min(want, 32) {
			t.Fatalf("in round %d there may be %d in flight", want, got)
		}
		p.round([]kind{taken, answered, erring}[want%3])
	}
}

func TestWhatWasNeverInFlightAtOnceIsNotAllowedMore(t *testing.T) {
	p := newPressed(32)
	for range 1000 {
		p.try(taken, 0)
	}
	if got := p.now(); got != 2 {
		t.Errorf("%d may be in flight, and there was never more than one", got)
	}
}

func TestSilenceAndRefusalsHalveOnceForAllThatWereInFlight(t *testing.T) {
	for _, k := range []kind{silence, refused} {
		p := newPressed(32)
		for range 40 {
			p.round(taken)
		}
		p.epoch++ // of old tries silence does not kill
		var numbers []uint64
		for range 32 {
			number, _ := p.begin(p.clock)
			numbers = append(numbers, number)
		}
		for i, number := range numbers {
			p.end(number, p.epoch-1, k, 0)
			if p.window != 16 {
				t.Fatalf("%d: after %d of 32 the window is %d", k, i+1, p.window)
			}
		}
		number, _ := p.begin(p.clock)
		p.end(number, p.epoch-1, k, 0)
		if p.window != 8 {
			t.Errorf("%d: after the next one it is %d", k, p.window)
		}
	}
}

func TestARefusalPausesAllForASecondAndLongerAsLongAsNothingIsTaken(t *testing.T) {
	p := newPressed(8)
	for i, want := range []time.Duration{1, 2, 4, 8, 15, 15, 15} {
		if got := p.try(refused, 0).pause; got != want*time.Second {
			t.Errorf("refusal %d pauses for %v", i+1, got)
		}
	}
	p.try(taken, 0)
	if got := p.try(refused, 0).pause; got != time.Second {
		t.Errorf("after one was taken: %v", got)
	}
	p.try(answered, 0)
	if got := p.try(refused, 0).pause; got != 2*time.Second {
		t.Errorf("an answer that does not take: %v", got)
	}
}

func TestTheServerItselfMayAskForAPauseOfUpToAMinute(t *testing.T) {
	for _, c := range []struct {
		k           kind
		after, want time.Duration
	}{
		{refused, 7 * time.Second, 7 * time.Second}, {refused, 90 * time.Second, time.Minute}, {refused, 500 * time.Millisecond, 500 * time.Millisecond},
		{silence, 7 * time.Second, 7 * time.Second}, {silence, time.Hour, time.Minute}, {silence, 0, 0},
		{erring, 7 * time.Second, 0}, {answered, 7 * time.Second, 0}, {taken, 7 * time.Second, 0},
	} {
		if got := newPressed(8).try(c.k, c.after).pause; got != c.want {
			t.Errorf("kind %d, Retry-After %v: a pause of %v, want %v", c.k, c.after, got, c.want)
		}
	}
}

func TestThoseThatWereRefusedTogetherPauseOnceAndOnlyALongerPauseCounts(t *testing.T) {
	p := newPressed(8)
	for range 8 {
		p.round(taken)
	}
	var numbers []uint64
	for range 5 {
		n, _ := p.begin(p.clock)
		numbers = append(numbers, n)
	}
	for i, c := range []struct{ after, want time.Duration }{
		{0, time.Second}, {0, 0}, {time.Second / 2, 0}, {3 * time.Second, 3 * time.Second}, {2 * time.Second, 0},
	} {
		if got := p.end(numbers[i], p.epoch, refused, c.after).pause; got != c.want {
			t.Errorf("%d: a pause of %v, want %v", i, got, c.want)
		}
	}
	if got := p.try(refused, 0).pause; got != 2*time.Second {
		t.Errorf("the next one: %v", got)
	}
}

func TestThreeSilencesInARowAreDeathAndItsPausesGrowWithJitter(t *testing.T) {
	p := newPressed(8)
	p.round(taken)
	p.round(taken)
	for range 20 { // not in a row
		p.try(silence, 0)
		p.try(silence, 0)
		p.try([]kind{taken, answered, erring, refused}[p.begun%4], 0)
	}
	p.try(taken, 0)
	p.try(silence, 0)
	p.try(silence, 0)
	v := p.try(silence, 0)
	differ := map[time.Duration]bool{}
	for i, whole := range []time.Duration{1, 2, 4, 8, 15, 15, 15, 15, 15, 15} {
		if whole *= time.Second; v.pause > whole || v.pause < whole*4/5 || p.now() != 1 || !p.dead || v.died != (i == 0) {
			t.Errorf("probe %d: %+v, %d in flight", i, v, p.now())
		}
		differ[v.pause] = true
		v = p.try(silence, 0)
	}
	if len(differ) < 7 {
		t.Errorf("no jitter: %v", differ)
	}
	if got := p.try(silence, 40*time.Second).pause; got != 40*time.Second {
		t.Errorf("a dead server asks for 40s and has %v", got)
	}
	if v = p.try(answered, 0); !v.revived || p.now() != 1 {
		t.Errorf("revived: %+v, %d in flight", v, p.now())
	}
	p.round(taken)
	if p.now() != 2 {
		t.Errorf("it does not widen: %d", p.now())
	}
}

func TestTwentyFailuresInARowOfFiveConversationsAreDeath(t *testing.T) {
	for conversations, dies := range map[uint64]bool{1: false, 4: false, 5: true, 20: true} {
		p := newPressed(8)
		for range 3 { // never twenty in a row
			for i := range uint64(deadFailing - 1) {
				p.conversation = i
				p.try(erring, 0)
			}
			p.try(answered, 0)
		}
		for i := range uint64(100) {
			p.conversation = i % conversations
			p.try(erring, 0)
			if p.dead != (dies && i >= deadFailing-1) {
				t.Fatalf("%d conversations, after %d failures: dead %v", conversations, i+1, p.dead)
			}
			if p.dead {
				break
			}
		}
		if len(p.faults) > deadFailing {
			t.Errorf("%d failures are remembered", len(p.faults))
		}
		if !dies {
			continue
		}
		if v := p.try(erring, 0); v.revived || v.pause == 0 {
			t.Errorf("a failure is taken for life: %+v", v)
		}
		if v := p.try(taken, 0); !v.revived || p.dead {
			t.Errorf("%+v", v)
		}
	}
}

func TestOneThatIsDeadOfSilenceAndThenFailsIsAlive(t *testing.T) {
	p := newPressed(8)
	for range deadAfter {
		p.try(silence, 0)
	}
	if v := p.try(erring, 0); !v.revived {
		t.Errorf("%+v", v)
	}
}

func TestClosedConnectionsSayNothingUnlessThereAreNoOthers(t *testing.T) {
	p := newPressed(2)
	p.round(taken)
	for range 10 {
		for range maxStillborn * 2 {
			if v := p.try(stillborn, 0); v != (verdict{}) || p.now() != 2 {
				t.Fatalf("%+v, %d in flight", v, p.now())
			}
		}
		p.try(answered, 0)
	}
	for range maxStillborn*2 + deadAfter {
		p.try(stillborn, 0)
	}
	if !p.dead {
		t.Error("it goes on for ever")
	}
	p = newPressed(2)
	for range 1000 {
		p.try(unmade, 0)
	}
	if p.dead || p.inFlight != 0 {
		t.Error("requests that were not made are held against the server")
	}
}

func TestWhenALimitHasGoneTheWindowWidensAgain(t *testing.T) {
	p := newPressed(8)
	for range 10 {
		p.round(taken)
	}
	p.try(refused, 0)
	for i := 0; p.now() < 8; i++ {
		if p.round(taken); i > 200 {
			t.Fatalf("after %d rounds %d may be in flight", i, p.now())
		}
	}
}
