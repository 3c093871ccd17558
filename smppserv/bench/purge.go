package main

import (
	"time"

	"hnetsmpp/smppserv/testkit"
)

// purge has a purge that was missed run soon after the start, under load.
func purge(t *trial) []value {
	n := max(t.size, 2*seedPattern)
	w := t.seeded(t.away(), testkit.Settings{"jobs.purge_messages_hour": time.Now().Hour(), "jobs.retention": "720h"})
	old := time.Now().Add(-40 * 24 * time.Hour)
	w.grow(t, n, old, old.Add(5*24*time.Hour))
	w.StartWithin(t, seededPatience) // the purge is not to begin before it is looked for

	db := open(t, w.store, true)
	defer db.Close()
	return t.whilePurging(w, func() (id int) {
		t.must(db.QueryRow("SELECT coalesce(min(id), 0) FROM messages").Scan(&id))
		return id
	})
}

// whilePurging measures submits before the purge begins, and until it has ended. It has when it had the time that a million may take.
func (t *trial) whilePurging(w *server, lowest func() int) []value {
	const longest = 90 * time.Second
	before := lowest()
	var began, ended time.Duration
	o := t.during("submits before and while purging", w, func(since func() time.Duration) {
		for lowest() == before && since() < longest {
			time.Sleep(10 * time.Millisecond)
		}
		began = since()
		for w.Log.Lines("old messages purged", 1) == "" && since() < began+longest {
			time.Sleep(10 * time.Millisecond)
		}
		ended = since()
	})
	if began >= longest {
		t.Fatalf("no purge began within %v", longest)
	}
	if w.Log.Lines("old messages purged", 1) == "" {
		t.say("the purge had not ended after %v", longest)
	}
	const warmUp = time.Second
	return []value{
		{o.between(began, ended), o.between(warmUp, began)},
		{milliseconds(o.percentile(0.99, began, ended)), milliseconds(o.percentile(0.99, warmUp, began))},
		{value: (ended - began).Seconds()},
	}
}
