package pagetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/admin/page"
)

// Token is what each form must carry back.
const Token = "a-token-of-tests"

// Handler is the page over operators, for one who may do as their role says, with the events that keep it live. A post without
// the token is refused.
func Handler(operators admin.Operators, by admin.Actor, log zerolog.Logger) http.Handler {
	shown := page.New(page.Options{Operators: operators, Users: by.Name != "local", Log: log,
		Actor: func(*http.Request) admin.Actor { return by }, FormToken: func(*http.Request) string { return Token }})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) { events(operators, w, r) })
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.FormValue(admin.FormTokenField) != Token {
			http.Error(w, "no token", http.StatusForbidden)
			return
		}
		shown.ServeHTTP(w, r)
	}))
	return mux
}

func events(operators admin.Operators, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	_, _ = fmt.Fprint(w, ": hello\n\n")
	_ = flush.Flush()
	for topics := range operators.Changes(r.Context()) {
		data, _ := json.Marshal(map[string][]string{"topics": topics})
		_ = flush.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := fmt.Fprintf(w, "event: changed\ndata: %s\n\n", data); err != nil {
			return
		}
		_ = flush.Flush()
	}
}
