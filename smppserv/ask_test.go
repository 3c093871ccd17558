package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/registration"
)

func TestWhatTakesLongIsSaidToGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		s := &server{Console: &commandline.Console{Stderr: &said}}
		work := func(d time.Duration) func(context.Context) error {
			return func(context.Context) error { time.Sleep(d); return nil }
		}
		_ = s.patiently(t.Context(), func() string { return "searching" }, work(patience-1))
		if said.Len() > 0 {
			t.Errorf("before its time it says %s", &said)
		}
		_ = s.patiently(t.Context(), func() string { return "searching" }, work(patience+nextWord+1))
		if want := "searching … (2 s)\nsearching … (7 s)\n"; said.String() != want {
			t.Errorf("it says\n%s", &said)
		}
	})
}

func TestARefusedQuestionSaysWhatToDo(t *testing.T) {
	ask := func(user string, unseen error, answer http.HandlerFunc) string {
		h := httptest.NewServer(answer)
		if answer == nil {
			h.Close()
		} else {
			defer h.Close()
		}
		s := &server{Remote: adminapi.NewRemote(h.URL, adminapi.Login{User: user, Password: "x"}, nil), user: user, unseen: unseen}
		_, err := s.Status(t.Context())
		return s.explain(err).Error()
	}
	refuse := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"title":"no","detail":"the reason"}`))
		}
	}
	for _, tt := range []struct {
		got  string
		want []string
	}{
		{ask("", nil, refuse(401)), []string{"the reason", "--user", "as an administrator (root)"}},
		{ask("ops", nil, refuse(401)), []string{"ops is no user of admin.users, or the password is wrong"}},
		{ask("", fs.ErrPermission, refuse(403)), []string{"the reason", "as an administrator (root)", "--user"}},
		{ask("ops", nil, refuse(403)), []string{"no: the reason"}},
		{ask("", nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "stopping", http.StatusServiceUnavailable) }), []string{"stopping", "again in a moment"}},
		{ask("", nil, nil), []string{"no server answers at http://127.0.0.1:", "start it with: " + registration.Start()}},
	} {
		for _, want := range tt.want {
			if !strings.Contains(tt.got, want) {
				t.Errorf("%q is not in: %s", want, tt.got)
			}
		}
	}
}

func TestTheStateOfAServerIsTheWorstThatThereIs(t *testing.T) {
	part := func(l adminapi.Level) []adminapi.Part { return []adminapi.Part{{Level: adminapi.Good}, {Level: l}} }
	for _, tt := range []struct {
		status adminapi.Status
		want   adminapi.Level
	}{
		{adminapi.Status{Ready: true, Parts: part(adminapi.Neutral)}, adminapi.Good},
		{adminapi.Status{Ready: true, Parts: part(adminapi.Warning)}, adminapi.Warning},
		{adminapi.Status{Ready: true, Parts: part(adminapi.Bad)}, adminapi.Bad},
		{adminapi.Status{Ready: true, Parts: part(adminapi.Good), Attention: []adminapi.Notice{{Level: adminapi.Warning}}}, adminapi.Warning},
		{adminapi.Status{Parts: part(adminapi.Good)}, adminapi.Bad},
	} {
		if got := worst(tt.status); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.status, got, tt.want)
		}
	}
}

func TestATimeIsReadAsPeopleWriteIt(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 11, 23, 10, 5, 30, 0, zone)
	for text, want := range map[string]string{
		"2026-11-20": "2026-11-20T00:00:00+01:00", "2026-11-20T10:05": "2026-11-20T10:05:00+01:00", "2026-11-20 10:05:07": "2026-11-20T10:05:07+01:00",
		"2026-11-20T10:05:00Z": "2026-11-20T10:05:00Z", "09:30": "2026-11-23T09:30:00+01:00", "today": "2026-11-23T00:00:00+01:00",
		"yesterday": "2026-11-22T00:00:00+01:00", "now": "2026-11-23T10:05:30+01:00", "90m": "2026-11-23T08:35:30+01:00", "3d": "2026-11-20T10:05:30+01:00",
		"hier": "", "-5m": "", "": "", "2026-13-01": "", "25:00": "", "d": "", "99999999d": "",
	} {
		got, err := readWhen(text, now)
		if want == "" && err == nil || want != "" && (err != nil || got.Format(time.RFC3339) != want) {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func TestAFollowedLogShowsEachLineOnce(t *testing.T) {
	line := func(n int) adminapi.LogLine {
		return adminapi.LogLine{At: time.Unix(int64(n), 0), Message: "m", Fields: map[string]string{"a": "b"}}
	}
	lines := func(from, to int) (all []adminapi.LogLine) {
		for n := from; n < to; n++ {
			all = append(all, line(n))
		}
		return all
	}
	for name, tt := range map[string]struct {
		shown, all, fresh []adminapi.LogLine
		met               bool
	}{
		"the first answer":             {nil, lines(0, 3), lines(0, 3), true},
		"nothing new":                  {lines(0, 3), lines(0, 3), nil, true},
		"more, and earlier ones":       {lines(2, 4), lines(0, 6), lines(4, 6), true},
		"the first ones are gone":      {lines(0, 4), lines(3, 6), lines(4, 6), true},
		"all that were shown are gone": {lines(0, 3), lines(5, 7), lines(5, 7), false},
	} {
		fresh, met := after(tt.shown, tt.all)
		same := slices.EqualFunc(fresh, tt.fresh, func(a, b adminapi.LogLine) bool { return a.At.Equal(b.At) })
		if !same || met != tt.met {
			t.Errorf("%s: %v, %t", name, fresh, met)
		}
	}
}

func TestTheTermsOfAPeerGiveTheTerminalNoOrders(t *testing.T) {
	var out bytes.Buffer
	s := &server{Console: &commandline.Console{Stdout: &out}}
	hostile := "\x1b]0;x\a\u202e"
	text := "Bonjour " + hostile + "\nzwei"
	err := errors.Join(
		sayStatus(s, adminapi.Status{Node: hostile, Attention: []adminapi.Notice{{Text: adminapi.Verbatim(hostile), ToDo: adminapi.Verbatim(hostile)}}}),
		sayMessage(s, adminapi.Detail{Message: adminapi.Message{From: hostile}, Text: &text, Timeline: []adminapi.Step{{Text: adminapi.Verbatim(hostile)}}}),
		sayClients(s, []adminapi.Client{{SystemID: hostile, Why: adminapi.Verbatim(hostile)}}),
		s.lines([]adminapi.LogLine{{Message: hostile, Fields: map[string]string{"k": hostile}}}, false))
	if err != nil || strings.ContainsAny(out.String(), "\x1b\a\u202e") {
		t.Errorf("%v, %q", err, out.String())
	}
	if !strings.Contains(out.String(), "Bonjour") || !strings.Contains(out.String(), "\nzwei\n") {
		t.Errorf("the text is not as it was:\n%s", &out)
	}
}
