package smsc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// route is the client's address of who reads as to.
func (r *rig) route(to string) (smpp.Address, error) {
	route, err := r.sv.Route(context.Background(), campaign, to, "alice")
	return smpp.Address{TON: route.Dest.TON, NPI: route.Dest.NPI, Addr: route.Dest.Octets()}, err
}

func TestANameIsAnsweredAsTheClientWroteItElseAsAnAlphanumericAddress(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	for to, want := range map[string]smpp.Address{
		"Kunde": {TON: 5, Addr: "Kunde"}, "Müller": {TON: 5, Addr: "M\xFCller"},
	} {
		if got, err := r.route(to); err != nil || got != want {
			t.Errorf("%s, who never wrote: %+v, %v", to, got, err)
		}
	}
	for _, to := range []string{"06 12", "24/7", "客户"} {
		if _, err := r.route(to); !errors.Is(err, sms.ErrAddress) || !strings.HasPrefix(err.Error(), "to: ") {
			t.Errorf("%s, who never wrote: %v", to, err)
		}
	}
	for read, source := range map[string]smpp.Address{
		"Kunde":      {TON: 0, NPI: 9, Addr: "Kunde"},
		"Müller":     {TON: 5, Addr: "Müller"}, // UTF-8
		"Österreich": {TON: 5, Addr: "\xD6sterreich"},
		"24/7":       {TON: 5, Addr: "24/7"},
		"客户":         {TON: 5, Addr: "客户"},
	} {
		s := submit("x")
		s.Source = source
		c.SubmitSM(s)
		if got, err := r.route(read); err != nil || got != source {
			t.Errorf("%s, who wrote: %+v, %v, want %+v", read, got, err, source)
		}
	}
}

func TestTwoSendersThatReadAlikeStayTwo(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	for _, octets := range []string{"\xD6sterreich", "Österreich"} {
		s := withReceipt("x")
		s.Source = smpp.Address{TON: 5, Addr: octets}
		id := c.SubmitSM(s)
		m := r.message(id)
		if got := m.Source.Text(); got != "Österreich" {
			t.Errorf("% x reads %q", octets, got)
		}
		if other, ok, err := r.store.LastWriter(context.Background(), m.Source.Number, campaign); !ok || err != nil || other.Number.Octets() != octets {
			t.Errorf("% x is known as % x, %v", octets, other.Number.Octets(), err)
		}
		d := c.ExpectDeliver()
		if receiptOf(t, d); d.Dest != s.Source {
			t.Errorf("the receipt goes to % x, not % x", d.Dest.Addr, octets)
		}
		c.ExpectResp(c.Send(&smpp.QuerySM{MessageID: id, Source: s.Source}), smpp.ROK)
		c.ExpectResp(c.Send(&smpp.QuerySM{MessageID: id, Source: smpp.Address{TON: 5, Addr: "\xDCsterreich"}}), smpp.RQUERYFAIL)
	}
}

func TestAnUnknownLanguageIsInTheDebugLogOnce(t *testing.T) {
	log := &testkit.Log{}
	r := newRig(t, func(_ *rig, o *Options) { o.Log = zerolog.New(log).Level(zerolog.DebugLevel) })
	c := r.transceiver()
	for _, header := range []string{"\x03\x24\x01\x0E", "\x03\x24\x01\x0E", "\x03\x25\x01\x02", "\x03\x24\x01\x01"} {
		s := submit(header + "a")
		s.ESMClass = smpp.ESMUDHI
		c.SubmitSM(s)
	}
	for language, want := range map[string]int{`"language":14,`: 1, `"language":2,`: 1, `"language":1,`: 0} {
		if got := strings.Count(log.String(), language); got != want {
			t.Errorf("%s is in the log %d times, want %d:\n%s", language, got, want, log)
		}
	}
}

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
