package main

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// settle is how long a server is left alone before its memory is read.
const settle = time.Second

// rss is a server's resident memory.
func (t *trial) rss(w *server) float64 {
	time.Sleep(t.duration(settle))
	return resident(w.PID)
}

func waiting(t *trial) []value {
	w, _ := t.waiting(t.size)
	full := t.rss(w)
	t.note("stopping")
	w.Stop(t)
	t.note("starting again")
	from := time.Now()
	w.Start(t)
	took := time.Since(from)
	return []value{{value: full}, {value: took.Seconds()}, {value: t.rss(w)}}
}

func scheduled(t *trial) []value {
	const octets = 60_000
	w := t.server(false, t.away())
	l := load{sessions: 4, window: 16, n: t.scaled(4000), phones: 4000, edit: func(m *smpp.SubmitSM) {
		m.ScheduleDeliveryTime = smpp.FormatTime(time.Now().Add(24 * time.Hour))
		m.ShortMessage = nil
		m.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: long(octets)}}
	}}
	t.submit("scheduling", l, w.SMPP)
	return []value{{value: t.rss(w)}}
}

// loneParts compares messages that wait as the first part of a text whose others never come with whole ones.
func loneParts(t *trial) []value {
	n := t.scaled(200_000)
	fill := func(what string, edit func(*smpp.SubmitSM)) float64 {
		w := t.server(false, t.away())
		l := eight(n, n)
		l.edit = edit
		t.submit(what, l, w.SMPP)
		defer w.Stop(t)
		return t.rss(w)
	}
	whole := fill("whole messages", nil)
	parts := fill("lone parts", func(m *smpp.SubmitSM) {
		m.ESMClass = smpp.ESMUDHI
		m.ShortMessage = append([]byte{5, 0, 3, 7, 255, 1}, text...)
	})
	if whole == notMeasured {
		return []value{{value: notMeasured}}
	}
	return []value{{value: (parts - whole) * 1e6 / float64(n)}}
}

// expired has messages expire while the server is down, and compares its next start with one while they still wait.
func expired(t *trial) []value {
	n := t.scaled(200_000)
	validity := 8*time.Second + time.Duration(n)*time.Second/20_000 // longer than it takes to hand them in, and to start with them
	w := t.server(false, t.away())
	l := eight(n, n)
	l.edit = func(m *smpp.SubmitSM) { m.ValidityPeriod = relative(validity) }
	t.submit("filling", l, w.SMPP)
	last := time.Now()
	w.Stop(t)
	t.note("starting while they wait")
	w.Start(t)
	usual := peak(w.PID)
	w.Stop(t)
	left := count(t, w.store, "SELECT count(*) FROM messages WHERE final_at IS NULL")
	t.note("waiting until they have expired")
	time.Sleep(time.Until(last.Add(validity + time.Second)))
	t.note("starting again")
	w.Start(t)
	w.settled(t)
	if left < n/2 {
		t.Errorf("only %d of %d had not expired before the stop: the machine is too slow for this row", left, n)
	}
	top := peak(w.PID)
	if top == notMeasured {
		return []value{{value: notMeasured}}
	}
	return []value{{value: top - usual}}
}

// relative is a relative time in the form of SMPP (7.1.1).
func relative(d time.Duration) string {
	s := int(d.Seconds())
	return "00000000" + two(s/60) + two(s%60) + "000R"
}

func two(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
