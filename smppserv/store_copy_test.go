package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/transfer"
)

func TestABarShowsHowFarACopyIs(t *testing.T) {
	for p, want := range map[transfer.Progress]string{
		{Step: "copy", Table: "messages", Part: 0.5, Rows: 1000, PerSec: 123.4, Left: 62 * time.Second}: "copy messages     [############............]  50 %  1000 rows  123 rows/s  1m2s left",
		{Step: "check", Table: "tries", Part: 1, Rows: 7, Ended: true}:                                  "check tries        [########################] 100 %  7 rows  0 rows/s",
	} {
		if got := progressBar(p); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := progressLine(transfer.Progress{Step: "copy", Table: "hourly", Rows: 3, PerSec: 3}); got != "copy hourly: 3 rows  3 rows/s" {
		t.Errorf("got %q", got)
	}
}

func TestEachRefusalOfACopyHasItsCode(t *testing.T) {
	for err, want := range map[error]int{
		store.ErrHeld:          4,
		store.ErrForeign:       4,
		transfer.ErrSame:       4,
		transfer.ErrNotEmpty:   4,
		transfer.ErrMoved:      4,
		transfer.ErrUnfinished: 4,
		transfer.ErrDiffers:    1,
		syscall.ENOSPC:         1,
	} {
		got := 1 // of an error that has no code of its own
		if e, ok := errors.AsType[*commandline.Error](copyError(fmt.Errorf("--to: %w", err))); ok {
			got = e.Code
		}
		if got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func TestTheBarIsGoneWhenACopyEnds(t *testing.T) {
	t.Setenv("TERM", "xterm")
	got := shown(t, func(s *screen) int {
		s.terminal = true
		showProgress(s, &transfer.Meter{})()
		return 0
	})
	if !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("it ends with %q", got)
	}
}
