package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
)

// searches asks the store itself, in this process, what operators ask: the median of each question, about another number, client
// or time each time.
func searches(t *trial) []value {
	to := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	const month = 28 * 24 * time.Hour
	from := to.Add(-month)
	w := t.seeded(t.away())
	w.grow(t, t.bench.max, from, to)
	t.note("counting")
	w.count(t)
	w.startSeeded(t) // makes the index of numbers
	w.Stop(t)
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: w.store, Log: zerolog.Nop()})
	t.must(err)
	defer func() { t.must(s.Close(context.Background())) }()

	search := func(q store.Search) int {
		q.Limit = 100
		found, err := s.Search(context.Background(), q)
		t.must(err)
		return len(found.Messages)
	}
	failed := []sms.State{sms.Expired, sms.Undeliverable, sms.Rejected}
	some := func(span time.Duration) time.Time { return from.Add(rand.N(month - span)) }
	client := func() string { return clientOf(rand.IntN(8)).id }
	number := func() string { return phone(rand.IntN(seedPhones)) }
	const day = 24 * time.Hour
	return []value{
		t.median("number and day", false, func() int { at := some(day); return search(store.Search{Number: number(), From: at, To: at.Add(day)}) }),
		t.median("number", true, func() int { return search(store.Search{Number: number()}) }),
		t.median("failed", true, func() int { return search(store.Search{Client: client(), States: failed, To: some(day).Add(day)}) }),
		t.median("hour", true, func() int {
			at := some(time.Hour)
			return search(store.Search{Client: client(), From: at, To: at.Add(time.Hour)})
		}),
		t.median("beginning", true, func() int {
			at := some(day)
			return search(store.Search{Number: number()[:7], Beginning: true, From: at, To: at.Add(day)})
		}),
		t.median("report", true, func() int {
			r, err := s.Report(context.Background(), store.ReportQuery{By: store.ByCampaign, From: from, To: to})
			t.must(err)
			return int(r.Sum.Received)
		}),
	}
}

// median is the median in milliseconds of what a question takes. What must find something and never does fails.
func (t *trial) median(what string, must bool, ask func() int) value {
	t.note(what)
	const times = 30
	var all []float64
	found := 0
	for until := time.Now().Add(t.duration(20 * time.Second)); len(all) < times && time.Now().Before(until); {
		from := time.Now()
		found += ask()
		all = append(all, milliseconds(time.Since(from)))
	}
	if must && found == 0 {
		t.Errorf("%s: nothing was found", what)
	}
	return value{value: median(all)}
}
