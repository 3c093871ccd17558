package testkit

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// post pushes as smppserv does and returns the status of the answer, 0 for a connection that breaks.
func post(t *testing.T, h *Hermes, id, to string) int {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"from":"33612345678","to":%q,"text":"Bonjour"}`, id, to)
	r, err := http.NewRequest(http.MethodPost, h.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // or net/http repeats what broke
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Idempotency-Key", id)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestHermesAnswersByTheLongestSuffixOfTheDestination(t *testing.T) {
	h := StartHermes(t)
	h.Script("4", Answer{Status: 404})
	h.Script("34", Answer{Status: 503}, Answer{Status: 200})
	h.ScriptEach("5", Answer{}, Answer{Status: 202})
	for _, c := range []struct {
		id, to string
		want   int
	}{
		{"1", "3600", 200}, {"2", "3604", 404}, {"3", "3634", 503}, {"4", "3634", 200}, {"4", "3634", 200},
		{"5", "3605", 0}, {"6", "3605", 0}, {"5", "3605", 202},
	} {
		if got := post(t, h, c.id, c.to); got != c.want {
			t.Errorf("%s to %s is answered by %d, want %d", c.id, c.to, got, c.want)
		}
	}
	if again := h.Pushes(func(p Push) bool { return p.Repeated }); len(again) != 1 || again[0].Key != "4" {
		t.Errorf("repeated after their acceptance: %v", again)
	}
	if !h.Accepted("5") || h.Accepted("6") || h.Accepted("2") {
		t.Error("Accepted is wrong")
	}
}

func TestHermesHandsOutItsPushesInTheirOrder(t *testing.T) {
	h := StartHermes(t)
	for i := range 3 {
		post(t, h, fmt.Sprint(i), "3600")
		if p := h.Next(t); p.Message.ID != fmt.Sprint(i) {
			t.Fatalf("the next is %v", p)
		}
	}
	if p := h.Await(t, "one that came before", func(p Push) bool { return p.Key == "1" }); p.Message.Text != "Bonjour" {
		t.Errorf("%v came", p)
	}
}
