package browser

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/admin/page/pagetest"
)

// looks are all ways to look at a page, in a short run those that cross.
func looks() (all []look) {
	for _, language := range []string{"en", "fr"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390} {
				if l := (look{language, scheme, width}); l.crosses() || !testing.Short() {
					all = append(all, l)
				}
			}
		}
	}
	return all
}

// crosses tells whether a look is one of the four in which each language, scheme and width comes with each other.
func (l look) crosses() bool {
	return (l.Language == "en") == (l.Scheme == "light") == (l.Width > 600)
}

// views are the pages, by the name of their picture.
var views = []struct{ name, path string }{
	{"overview", "/"}, {"overview-day", "/?span=day"}, {"clients", "/clients"}, {"client", "/clients/acme"}, {"client-unbound", "/clients/boutique"}, {"messages", "/messages"},
	{"messages-none", "/messages?number=999"}, {"message", "/messages/1070"}, {"message-waiting", "/messages/1042"}, {"try", "/try?client=acme&customer=33600000001"}, {"reports", "/reports?by=campaign"},
	{"reports-day", "/reports?by=day&period=week"}, {"log", "/log"}, {"audit", "/audit"}, {"settings", "/settings"}, {"nodes", "/nodes"}, {"login", "/login?wrong=1"},
	{"not-found", "/messages/9999999"}, {"confirm", "/sessions/12/unbind"}, {"erase", "/erase"},
}

// made serves a made-up server, that stands still.
func made(t *testing.T, by admin.Actor, change func(*pagetest.Fake)) (*pagetest.Fake, string) {
	fake := pagetest.New(time.Now())
	if change != nil {
		change(fake)
	}
	server := httptest.NewUnstartedServer(pagetest.Handler(fake, by, zerolog.New(zerolog.NewTestWriter(t))))
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return fake, server.URL
}

var claire = admin.Actor{Name: "claire", From: "127.0.0.1", Role: adminapi.Admin, Texts: true}

func TestEachPageCanBeReadByEverybodyAndAsksNothingOfElsewhere(t *testing.T) {
	_, base := made(t, claire, func(f *pagetest.Fake) { f.Share(); f.Stored = f.Stored[:60] })
	for _, write := range []struct{ as, text string }{{"client", "Bonjour, où en est ma commande ?"}, {"hermes", "Elle est partie ce matin."}, {"client", "Merci !"}} {
		answer, err := http.PostForm(base+"/try/"+write.as, url.Values{"csrf": {pagetest.Token}, "client": {"acme"}, "customer": {"33600000001"}, "number": {"3600"}, "text": {write.text}})
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	for _, l := range looks() {
		t.Run(l.String(), func(t *testing.T) {
			b := open(t, base, l)
			for _, v := range views {
				b.visit(v.path)
				if v.name == "overview" {
					b.see("figure.drawn")
				}
				b.picture(v.name)
				b.fits()
				if l.crosses() && (l.Language == "en" || !testing.Short()) {
					b.axe()
				}
			}
		})
	}
}
