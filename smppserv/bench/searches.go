package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/testkit"
)

// searches asks what operators ask: the store itself, in this process, then the server for its pages. It is the median of each
// question, about another number, client or time each time.
func searches(t *trial) []value {
	to := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	from := to.Add(-month)
	w := t.seeded(t.away(), testkit.Settings{"admin.listen": "127.0.0.1:0"})
	w.grow(t, t.bench.max, from, to)
	t.note("counting")
	w.count(t)
	w.startSeeded(t) // makes the index of numbers
	w.Stop(t)
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: w.store, Log: zerolog.Nop()})
	t.must(err)
	values := t.searchStore(s, from)
	t.must(s.Close(context.Background()))
	w.startSeeded(t)
	defer w.Stop(t)
	return append(values, t.askPages(w, from)...)
}

// searchStore asks a store that has messages of the month that begins at from.
func (t *trial) searchStore(s *store.Store, from time.Time) []value {
	to := from.Add(month)
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
		t.median("campaign and day", true, func() int {
			at := some(day)
			return search(store.Search{Campaign: campaign, From: at, To: at.Add(day)})
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
		t.median("hours", true, func() int {
			at := some(day)
			r, err := s.Report(context.Background(), store.ReportQuery{By: store.ByHour, From: at, To: at.Add(day)})
			t.must(err)
			return int(r.Sum.Received)
		}),
	}
}

// askPages asks for whole pages, as a browser does.
func (t *trial) askPages(w *server, from time.Time) []value {
	const day = 24 * time.Hour
	page := func(path string) int {
		resp, err := http.Get("http://" + w.Admin + path)
		t.must(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		t.must(err)
		if resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("</html>")) {
			t.Errorf("%s is answered %s", path, resp.Status)
		}
		return len(body)
	}
	t.note("the overview")
	var overviews []float64
	for range 5 {
		time.Sleep(1100 * time.Millisecond) // what was made for the one before is not kept for so long
		asked := time.Now()
		page("/")
		overviews = append(overviews, milliseconds(time.Since(asked)))
	}
	return []value{{value: median(overviews)},
		t.median("a number's messages of a day", true, func() int {
			at := from.Add(rand.N(month - day))
			return page("/messages?number=" + phone(rand.IntN(seedPhones)) + "&from=" + at.Format(time.DateOnly) + "&to=" + at.Add(day).Format(time.DateOnly))
		}),
		t.median("a month's report", true, func() int {
			return page("/reports?by=campaign&from=" + from.Format(time.DateOnly) + "&to=" + from.Add(month).Format(time.DateOnly))
		}),
		t.looking(w),
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
