package centre

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // Windows has none

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// days lets a daily job look at a clock that shows these times, one minute apart by the time elapsed, and counts its runs.
type days struct {
	daily
	elapsed time.Duration
	failing bool
}

// look lets it look twice, and tells whether it ran.
func (d *days) look(now time.Time) (ran bool) {
	for range 2 {
		d.elapsed += time.Second
		if d.due(now, d.elapsed) {
			d.ran(now, d.elapsed, !d.failing)
			ran = true
		}
	}
	return ran
}

func TestADailyJobRunsWhenItsHourHasStruckHoweverTheClockWasSet(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 30, 0, 0, time.Local) }
	for _, c := range []struct {
		name string
		last time.Time
		now  time.Time
		want bool
	}{
		{"it is not known to have run", time.Time{}, at(10, 12), true},
		{"it ran at its hour", at(10, 1), at(10, 12), false},
		{"its hour comes", at(10, 1), at(11, 0), false},
		{"its hour has come", at(10, 1), at(11, 1), true},
		{"nobody ran at its hour", at(10, 1), at(11, 12), true},
		{"nobody ran for days", at(10, 1), at(20, 0), true},
		{"it was made up for, and its hour comes", at(10, 23), at(11, 1), true},
		{"it was made up for today", at(10, 9), at(10, 12), false},
		{"it ran in the future", at(13, 1), at(10, 12), true},
		{"it ran years ahead", at(10, 1).AddDate(4, 0, 0), at(10, 12), true},
	} {
		d := days{daily: daily{hour: 1, last: c.last}}
		if got := d.look(c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if d.look(c.now) || d.look(c.now.Add(time.Minute)) {
			t.Errorf("%s: it runs again", c.name)
		}
	}
}

func TestADailyJobRunsOnceADayAlsoWhenTheClocksArePutForwardOrBack(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	// In Santiago the hour after midnight is left out, or is there twice; on Lord Howe Island it is half an hour.
	paris, santiago, lordHowe := zone("Europe/Paris"), zone("America/Santiago"), zone("Australia/Lord_Howe")
	for hour := range 24 {
		for _, from := range []time.Time{time.Date(2026, 3, 27, 12, 30, 0, 0, paris), time.Date(2026, 10, 23, 12, 30, 0, 0, paris),
			time.Date(2026, 9, 4, 12, 30, 0, 0, santiago), time.Date(2026, 4, 3, 12, 30, 0, 0, santiago),
			time.Date(2026, 10, 2, 12, 30, 0, 0, lordHowe), time.Date(2026, 4, 3, 12, 30, 0, 0, lordHowe)} {
			d, ran := days{daily: daily{hour: hour, last: from}}, 0
			for now := from; now.Before(from.AddDate(0, 0, 4)); now = now.Add(10 * time.Minute) {
				if d.look(now) {
					ran++
				}
			}
			if ran != 4 {
				t.Errorf("at %d h in four days from %v: %d times", hour, from, ran)
			}
		}
	}
}

func TestAClockThatIsWrongForAMomentStartsNoDailyJob(t *testing.T) {
	now := time.Date(2026, 11, 10, 12, 0, 0, 0, time.Local)
	d := daily{hour: 1, last: now}
	if d.due(now.AddDate(9, 0, 0), 1) || d.due(now, 2) || d.due(now.AddDate(9, 0, 0), 3) {
		t.Error("it runs")
	}
}

func TestADailyJobThatFailedRunsAgainSoon(t *testing.T) {
	now := time.Date(2026, 11, 10, 12, 0, 0, 0, time.Local)
	d := days{daily: daily{hour: 1}, failing: true}
	if !d.look(now) || d.look(now) {
		t.Error("it does not run, or again at once")
	}
	d.elapsed += dailyRetry
	if d.failing = false; !d.look(now) || d.look(now) {
		t.Error("it does not run once more")
	}
}

func TestAPurgeThatWasMissedIsMadeUpForAfterTheStart(t *testing.T) {
	mc := startCentre(t, 0)
	mc.cfg.Jobs.Retention, mc.cfg.Jobs.PurgeMessagesHour = -3*time.Hour, 1 // all that is final is old
	var ahead atomic.Int64
	start := time.Now()
	mc.clock = func() (time.Time, time.Duration) {
		return time.Now().Add(time.Minute + time.Duration(ahead.Load())), time.Since(start)
	}
	old := func() *sms.Message {
		m := storetest.Sample()
		storetest.Add(t, mc.store, m)
		storetest.Finish(mc.store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
		return m
	}
	purged := func(m *sms.Message) bool {
		_, err := mc.store.Get(context.Background(), m.ID)
		return errors.Is(err, sms.ErrUnknown)
	}
	noted := func() bool {
		last, err := mc.store.LastPurge(context.Background())
		now, _ := mc.clock()
		return err == nil && now.Sub(last).Abs() < time.Minute
	}
	// run lets the job run until all is purged, or until it has looked often enough.
	run := func(m *sms.Message, want bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		var looks atomic.Int64
		clock := mc.clock
		mc.clock = func() (time.Time, time.Duration) { looks.Add(1); return clock() }
		go func() {
			defer close(ended)
			mc.purgeDaily(ctx, time.Millisecond)
		}()
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if want && purged(m) && noted() || !want && (looks.Load() >= 10 || mc.cfg.Jobs.PurgeMessagesHour < 0) {
				break
			}
		}
		cancel()
		<-ended
		mc.clock = clock
		if purged(m) != want {
			t.Errorf("purged: %v, want %v", !want, want)
		}
	}
	// Nothing was ever to be purged: what is put into the store then, say by a restore, has missed its purge.
	first := old()
	run(first, true)
	second := old()
	run(second, false)
	ahead.Store(int64(25 * time.Hour))
	run(second, true)
	third := old()
	ahead.Store(int64(-time.Hour)) // the last purge was in the future
	run(third, true)
	mc.cfg.Jobs.PurgeMessagesHour = -1
	fourth := old()
	ahead.Store(int64(100 * time.Hour))
	run(fourth, false)
}

func TestAWorkerThatLeadsNowDoesNotPurgeAgainWhatAnotherHasPurged(t *testing.T) {
	mc := startCentre(t, 0)
	mc.cfg.Jobs.Retention, mc.cfg.Jobs.PurgeMessagesHour = -100*24*time.Hour, 3 // all that is final is old
	var day atomic.Int64                                                        // of November, at 15:00
	day.Store(10)
	looks := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	mc.clock = func() (time.Time, time.Duration) {
		select {
		case looks <- struct{}{}:
		case <-ctx.Done():
		}
		return time.Date(2026, 11, int(day.Load()), 15, 0, 0, 0, time.Local), 0
	}
	note := func(day int) {
		if err := mc.store.NotePurge(time.Date(2026, 11, day, 3, 0, 1, 0, time.Local)); err != nil {
			t.Fatal(err)
		}
	}
	look := func() {
		for range 5 {
			testkit.Receive(t, looks, "a look")
		}
	}
	note(10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		mc.purgeDaily(ctx, time.Millisecond)
	}()
	look()
	m := storetest.Sample()
	storetest.Add(t, mc.store, m)
	storetest.Finish(mc.store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	note(12) // another worker, which led
	day.Store(12)
	look()
	cancel()
	<-ended
	if _, err := mc.store.Get(t.Context(), m.ID); err != nil {
		t.Errorf("it purges again: %v", err)
	}
}
