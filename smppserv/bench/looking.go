package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"time"
)

// looking is how many milliseconds of a processor the server takes in a second while somebody looks at the overview, beyond what it
// takes while nobody does, with ten submits a second.
func (t *trial) looking(w *server) value {
	const period = 10 * time.Second
	submits := int(10 * t.duration(period).Seconds())
	taken := func() (float64, bool) {
		before, ok := processor(w.PID)
		from := time.Now()
		o, err := load{sessions: 1, rate: 10, n: max(submits, 10), phones: 10}.run(w.SMPP, t.watch("looking"))
		t.must(err)
		after, _ := processor(w.PID)
		return milliseconds(after-before) / max(time.Since(from), o.took).Seconds(), ok
	}
	alone, ok := taken()
	if !ok {
		return value{value: notMeasured}
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- openPage(ctx, "http://"+w.Admin) }()
	looked, _ := taken()
	end()
	t.must(<-done)
	return value{value: max(0, looked-alone)}
}

// openPage does what the page's script does while it is open: it hears what has changed, and has the page made again, once a second
// at most.
func openPage(ctx context.Context, server string) error {
	ask := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("HX-Target", "live")
		return http.DefaultClient.Do(r)
	}
	events, err := ask("/api/v1/events")
	if err != nil {
		return err
	}
	defer events.Body.Close()
	var last time.Time
	for lines := bufio.NewScanner(events.Body); lines.Scan(); {
		if lines.Text() != "event: changed" || time.Since(last) < time.Second {
			continue
		}
		last = time.Now()
		page, err := ask("/")
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, page.Body)
		page.Body.Close()
	}
	return nil
}
