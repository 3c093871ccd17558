package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// shown is what the standard error has in the end of a program that is run on it.
func shown(t *testing.T, program func(*screen) int) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(r)
		text <- string(all)
	}()
	func() {
		defer w.Close()
		defer func() { _ = recover() }()
		withScreen(w, program)
	}()
	return testkit.Receive(t, text, "the end of the standard error")
}

func TestTheLastLinesAreShownAtAnEndAndInACrash(t *testing.T) {
	for name, end := range map[string]func() int{"end": func() int { return 3 }, "crash": func() int { panic("out of luck") }} {
		for supervised, want := range map[bool]string{true: `{"level":"info",`, false: " INF the last line"} {
			got := shown(t, func(s *screen) int {
				log := newLog(s, supervised)
				for range 1000 {
					log.Info().Msg("x")
				}
				log.Info().Msg("the last line")
				return end()
			})
			if strings.Count(got, "\n") != 1001 || !strings.Contains(got, want) || !strings.Contains(got[strings.LastIndexByte(strings.TrimSpace(got), '\n'):], "the last line") {
				t.Errorf("%s, supervised %t: %d lines, the last of which is %q", name, supervised, strings.Count(got, "\n"), got[max(0, len(got)-100):])
			}
		}
	}
}

func TestAnEndDoesNotWaitForWhoeverDoesNotReadAndALossIsToldAsTheLogIsWritten(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ended := make(chan int, 1)
	go func() {
		ended <- withScreen(w, func(s *screen) int {
			log := newLog(s, false)
			for range 100_000 {
				log.Info().Msg("nobody reads this, and there is more of it than pipes and buffers hold")
			}
			return 7
		})
	}()
	if code := testkit.Receive(t, ended, "the end"); code != 7 {
		t.Errorf("it ended with %d", code)
	}
	var log testkit.Log
	go func() { _, _ = io.Copy(&log, r) }()
	log.AwaitWords(t, " WRN lines of the log were left out here", "lines=")
}
