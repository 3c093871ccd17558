package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// remote is a Remote whose server answers so.
func remote(t *testing.T, login Login, answer http.HandlerFunc) *Remote {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	r := NewRemote(s.URL, login, nil)
	t.Cleanup(r.Close)
	return r
}

func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{Type: "about:blank", Title: title, Status: status, Detail: detail})
}

func TestARefusalIsTheErrorThatTheServerHad(t *testing.T) {
	for _, tt := range []struct {
		status int
		title  string
		want   error
	}{
		{400, "not understood", ErrBadRequest}, {413, "too large", ErrBadRequest}, {401, "Unauthorized", ErrUnknown}, {403, "not allowed", ErrForbidden},
		{404, "not found", ErrNotFound}, {409, "not possible as things are", ErrConflict}, {503, "too slow", ErrTooSlow}, {503, "not written", ErrUnavailable},
	} {
		r := remote(t, Login{}, func(w http.ResponseWriter, _ *http.Request) { problem(w, tt.status, tt.title, "the reason") })
		_, err := r.Retry(t.Context(), "42")
		if !errors.Is(err, tt.want) || err.Error() != tt.title+": the reason" {
			t.Errorf("%d: %v, want %v", tt.status, err, tt.want)
		}
	}
}

func TestWhatIsNoAnswerOfTheAdminPortIsSaidToBeNone(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"another program's page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") }, ErrForeign},
		"another program's 404":  {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, ErrForeign},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, ErrForeign},
		"a server that starts": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "starting: opening the store", http.StatusServiceUnavailable)
		}, ErrAway},
	} {
		if _, err := remote(t, Login{Token: "t"}, tt.answer).Status(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARequestSaysWhoAsksAndWhatFor(t *testing.T) {
	var got []string
	r := remote(t, Login{Token: "t0ken"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), body))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	})
	from := time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC)
	_, _ = r.Messages(t.Context(), Search{Number: "336*", From: from, Limit: 7})
	_, _ = r.HandOver(t.Context(), "a/b", "c")
	_, _ = r.Trace(t.Context(), "acme", true)
	_ = r.Unbind(t.Context(), "SRV 2", 7)
	want := []string{
		"GET /api/v1/messages?from=2026-11-23T10%3A05%3A00Z&limit=7&number=336%2A Bearer t0ken ",
		`POST /api/v1/clients/a%2Fb/hand-over Bearer t0ken {"to":"c"}`,
		`PUT /api/v1/clients/acme/trace Bearer t0ken {"on":true}`,
		"DELETE /api/v1/sessions/7?node=SRV+2 Bearer t0ken ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	named := remote(t, Login{Token: "t0ken", User: "ops", Password: "pw"}, func(_ http.ResponseWriter, r *http.Request) { got = []string{r.Header.Get("Authorization")} })
	_ = named.Unbind(t.Context(), "", 7)
	if got[0] != "Basic b3BzOnB3" {
		t.Errorf("a user is shown as %q", got[0])
	}
}

func TestChangesComeUntilTheServerGoesAway(t *testing.T) {
	r := remote(t, Login{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 2000\n: hello\n\nevent: changed\ndata: {\"topics\":[\"log\",\"status\"]}\n\n: alive\n\n")
	})
	var got [][]string
	err := r.Changes(t.Context(), func(topics []string) error { got = append(got, topics); return nil })
	if len(got) != 2 || got[0] != nil || !slices.Equal(got[1], []string{"log", "status"}) {
		t.Errorf("heard %q", got)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %v", err)
	}
	stop := errors.New("enough")
	if err := r.Changes(t.Context(), func([]string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("ended with %v", err)
	}
}

func TestAnAnswerThatDoesNotComeEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := remote(t, Login{}, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := r.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAServerThatGivesNoAnswerInTimeIsSaidToGiveNone(t *testing.T) {
	r := remote(t, Login{}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Status(ctx); !errors.Is(err, ErrSilent) || strings.Contains(err.Error(), "context") {
		t.Error(err)
	}
}
