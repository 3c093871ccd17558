package queue

import (
	"context"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestTimesThatAreReplacedAfterTheClockWasSetAreKeptOverARestart(t *testing.T) {
	replace := func(t *testing.T, r *rig, m *sms.Message, f func(now time.Time, m *sms.Message)) {
		t.Helper()
		err := r.q.Replace(context.Background(), m.ID, func(m *sms.Message) error {
			now, _ := r.clock.read()
			m.Content = []byte("replaced")
			m.ReceivedAt = now // as translate does
			f(now, m)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	expires := func(t *testing.T, r *rig, m *sms.Message, after time.Duration) {
		t.Helper()
		r.elapse(after - time.Minute)
		if r.q.Pending("admin") != 1 {
			t.Fatal("it has expired")
		}
		r.elapse(2 * time.Minute)
		r.wantState(m, sms.Expired)
	}
	for _, by := range []time.Duration{-2 * time.Hour, 3 * day} {
		for name, restart := range map[string]bool{"": false, " and a restart": true} {
			prepare := func(t *testing.T, m func(r *rig) *sms.Message, f func(now time.Time, m *sms.Message)) (*rig, *sms.Message) {
				r := newRig(t, nil)
				added := m(r)
				r.add(added)
				r.setClock(by)
				replace(t, r, added, func(time.Time, *sms.Message) {})
				replace(t, r, added, f)
				if restart {
					r.restart()
				}
				return r, added
			}
			lasting := func(r *rig) *sms.Message { return r.lasting("m", day) }
			t.Run("nothing "+by.String()+name, func(t *testing.T) {
				r, m := prepare(t, lasting, func(time.Time, *sms.Message) {})
				expires(t, r, m, day)
			})
			t.Run("period "+by.String()+name, func(t *testing.T) {
				r, m := prepare(t, lasting, func(now time.Time, m *sms.Message) { m.ExpiresAt, m.Period = now.Add(5*time.Hour), true })
				expires(t, r, m, 5*time.Hour)
			})
			t.Run("time "+by.String()+name, func(t *testing.T) {
				r, m := prepare(t, lasting, func(now time.Time, m *sms.Message) { m.ExpiresAt, m.Period = now.Add(5*time.Hour), false })
				r.setClock(6 * time.Hour)
				r.wantState(m, sms.Expired)
			})
			t.Run("schedule "+by.String()+name, func(t *testing.T) {
				r, m := prepare(t, lasting, func(now time.Time, m *sms.Message) { m.DueAt = now.Add(5 * time.Hour) })
				h := r.hermes()
				r.elapse(5*time.Hour - time.Minute)
				r.nothing(h, sms.Hermes)
				r.elapse(2 * time.Minute)
				h.next("replaced")
				h.Detach()
				if restart {
					r.restart()
				}
				if r.q.Pending(m.Owner()) != 1 {
					t.Error("it has ended")
				}
			})
			t.Run("schedule of a tried one "+by.String()+name, func(t *testing.T) {
				r := newRig(t, nil)
				h := r.hermes()
				m := r.lasting("m", day)
				r.add(m)
				h.next("m").report(sms.Outcome{Verdict: sms.TryAgain, After: time.Minute})
				testkit.Await(t, "it is written", func() bool { return r.q.Stats().Unwritten == 0 })
				replace(t, r, m, func(now time.Time, m *sms.Message) { m.DueAt = now.Add(5 * time.Hour) })
				if restart {
					r.restart()
					h = r.hermes()
				}
				r.elapse(2 * time.Hour)
				h.Resume()
				r.nothing(h, sms.Hermes)
				r.elapse(4 * time.Hour)
				h.next("replaced").done()
				r.emptied()
			})
		}
	}
}
