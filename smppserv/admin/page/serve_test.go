package page_test

import (
	"flag"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/admin/page/pagetest"
)

var (
	serveAt   = flag.String("serve", "", "serve the page over a made-up server at this address, until the test is broken off")
	serveCalm = flag.Bool("calm", false, "with -serve: nothing needs attention")
)

// TestServe is for looking: go test ./smppserv/admin/page -run TestServe -serve 127.0.0.1:8080 -timeout 0
func TestServe(t *testing.T) {
	if *serveAt == "" {
		t.Skip("-serve gives an address")
	}
	fake := pagetest.New(time.Now())
	fake.Share()
	fake.Calm = *serveCalm
	l, err := net.Listen("tcp", *serveAt)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range time.Tick(3 * time.Second) {
			fake.Lock()
			fake.Now = time.Now()
			fake.Unlock()
			fake.Changed("status", "clients", "messages", "waiting", "log")
		}
	}()
	by := admin.Actor{Name: "claire", From: "127.0.0.1", Role: adminapi.Admin, Texts: true}
	t.Fatal(http.Serve(l, pagetest.Handler(fake, by, zerolog.New(zerolog.NewTestWriter(t)))))
}
