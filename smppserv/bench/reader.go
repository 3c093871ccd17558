package main

import (
	"os"
	"time"
)

// reader has another program hold a read transaction, so that the write-ahead log cannot be folded into the database.
func reader(t *trial) []value {
	const (
		warmUp   = time.Second
		logLimit = 64e6 // octets
		longest  = time.Minute
	)
	w := t.server(false, t.away())
	quiet, held := t.duration(10*time.Second), t.duration(10*time.Second)
	var most int64
	size := func() int64 {
		info, err := os.Stat(w.store + "-wal")
		if err != nil {
			return 0
		}
		most = max(most, info.Size())
		return info.Size()
	}
	var began, ended time.Duration
	o := t.during("submits before and beside a reader", w, func(since func() time.Duration) {
		for since() < quiet {
			size()
			time.Sleep(10 * time.Millisecond)
		}
		db := open(t, w.store, true)
		defer db.Close()
		tx, err := db.Begin()
		t.must(err)
		var id int
		t.must(tx.QueryRow("SELECT coalesce(max(id), 0) FROM messages").Scan(&id))
		for began = since(); since() < began+held; {
			size()
			time.Sleep(10 * time.Millisecond)
		}
		ended = since()
		t.must(tx.Rollback())
	})
	t.note("waiting until the write-ahead log is short again")
	// Something goes on, so that the log is looked after.
	trickle := load{sessions: 1, rate: 100, n: 100 * int(longest.Seconds()), phones: 1000}
	stop := make(chan struct{})
	trickle.stop = stop
	done := make(chan error, 1)
	from := time.Now()
	go func() {
		_, err := trickle.run(w.SMPP, t.watch("100/s"))
		done <- err
	}()
	for size() > logLimit && time.Since(from) < longest {
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(from)
	close(stop)
	t.must(<-done)
	if size() > logLimit {
		took = longest + time.Second // it stays
	}
	return []value{
		{milliseconds(o.percentile(0.999, began, ended)), milliseconds(o.percentile(0.999, warmUp, quiet))},
		{value: took.Seconds()}, {value: float64(most) / 1e6},
	}
}
