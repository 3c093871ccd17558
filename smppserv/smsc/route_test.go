package smsc

import (
	"context"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// asked is a History that counts what it is asked.
type asked struct {
	History
	last  sms.Conversation // of whoever is asked for
	times int
}

func (h *asked) LastWriter(context.Context, string, string) (sms.Conversation, bool, error) {
	h.times++
	return h.last, h.last.Client != "", nil
}

func (h *asked) LastUse(context.Context, string, string) (sms.Address, bool, error) {
	h.times++
	return sms.Address{}, false, nil
}

func TestARouteIsLookedUpAtOnce(t *testing.T) {
	clients := []Client{{SystemID: "one", Numbers: []string{"1"}}, {SystemID: "all"}, {SystemID: "every"}}
	for _, k := range []struct {
		from, client, last string
		want               string // "" = nobody
		times              int
	}{
		{"1", "", "one", "one", 1},
		{"1", "", "all", "one", 2},
		{"1", "", "", "one", 2},
		{"2", "", "every", "every", 1},
		{"2", "", "", "all", 2},
		{"2", "every", "all", "every", 2},
		{"2", "every", "every", "every", 1},
		{"2", "one", "one", "", 0},
		{"2", "nobody", "", "", 0},
	} {
		h := &asked{last: sms.Conversation{Client: k.last}}
		sv := New(Options{History: h, Log: zerolog.Nop()}, Settings{Clients: clients})
		r, err := sv.Route(t.Context(), k.from, "33612345678", k.client)
		if (err != nil) != (k.want == "") || r.Recipient != k.want || h.times != k.times {
			t.Errorf("from %s, client %q, last %q: %q, %v, asked %d times", k.from, k.client, k.last, r.Recipient, err, h.times)
		}
	}
}
