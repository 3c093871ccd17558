package centre

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestTheTimesOfAStopAddUpToLessThanItsLimitWhateverHangs(t *testing.T) {
	const names = "port sessions operators tries pushes store last"
	for _, hanging := range []string{names, "store", "tries", "pushes store", "sessions tries", "operators", "port pushes", "last", ""} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var log bytes.Buffer
			var mu sync.Mutex
			var order []string
			part := func(name string) func(context.Context) error {
				return func(ctx context.Context) error {
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
					if _, limited := ctx.Deadline(); !limited {
						t.Errorf("%s has no limit", name)
					}
					if strings.Contains(hanging, name) {
						<-release
					}
					return nil
				}
			}
			begun := time.Now()
			listeners := false
			// The edges stop side by side: of them only the sessions are in the order.
			p := parts{sessions: part("sessions"), tries: part("tries"), pushes: part("pushes"), store: part("store"), last: part("last"), say: func(string) {}, listeners: func() { listeners = true }}
			p.port = func(context.Context) error { return hang(strings.Contains(hanging, "port"), release) }
			p.operators = func(context.Context) error { return hang(strings.Contains(hanging, "operators"), release) }
			s := stop{log: zerolog.New(zerolog.SyncWriter(&log)), end: begun.Add(stopTime)}
			err := s.run(p)
			took := time.Since(begun)
			close(release)
			synctest.Wait()
			if took > stopLimit-time.Second || hanging == "" && took > 0 {
				t.Errorf("with %q hanging it took %v", hanging, took)
			}
			if (err != nil) != strings.Contains(hanging, "store") {
				t.Errorf("with %q hanging: %v", hanging, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(order, " "); got != "sessions tries pushes store last" || !listeners {
				t.Errorf("with %q hanging %s were stopped, listeners %v", hanging, got, listeners)
			}
			for name, line := range map[string]string{"port": "the TCP port", "sessions": "SMPP sessions", "operators": "operators", "tries": "tries under way", "pushes": "pushes", "last": "who asks"} {
				if strings.Contains(log.String(), "any longer for "+line) != strings.Contains(hanging, name) {
					t.Errorf("with %q hanging the log says\n%s", hanging, &log)
				}
			}
		})
	}
}

func hang(hangs bool, release chan struct{}) error {
	if hangs {
		<-release
	}
	return nil
}

func TestAPartOfAStopThatNeedsItsTimeLeavesTheStoreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		patient := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var left time.Duration
		p := parts{port: patient, sessions: patient, operators: patient, tries: patient, pushes: patient, listeners: func() {}, say: func(string) {}, last: patient,
			store: func(ctx context.Context) error {
				end, _ := ctx.Deadline()
				left = time.Until(end)
				return nil
			}}
		s := stop{log: zerolog.Nop(), end: time.Now().Add(stopTime)}
		if err := s.run(p); err != nil || left < storeTime {
			t.Errorf("the store has %v, %v", left, err)
		}
	})
}

func TestAFaultOfTheStoreIsAFaultOfTheStop(t *testing.T) {
	fault := errors.New("not on disk")
	s := stop{log: zerolog.Nop(), end: time.Now().Add(stopTime)}
	if err := s.run(parts{listeners: func() {}, say: func(string) {}, last: func(context.Context) error { return nil }, store: func(context.Context) error { return fault }}); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

func TestPushesUnderWayHaveWhatTheSessionsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(context.Context) error { return nil }
		push := func(ctx context.Context) error {
			select {
			case <-time.After(stopTime - storeTime - time.Second): // hermes.timeout may be longer than usual
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var log bytes.Buffer
		s := stop{log: zerolog.New(&log), end: time.Now().Add(stopTime)}
		if err := s.run(parts{port: at, sessions: at, tries: push, store: at, listeners: func() {}, say: func(string) {}, last: at}); err != nil || log.Len() > 0 {
			t.Errorf("%v, the log says %s", err, &log)
		}
	})
}
