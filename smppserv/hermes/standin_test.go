package hermes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

func TestTheStandInAcceptsEverythingAndLogsNoText(t *testing.T) {
	var log logged
	o := options(Simulator)
	o.Log, o.SuccessPattern, o.StatusURL = zerolog.New(&log), "OK", Simulator
	p := newPush(t, o)
	if got := deliver(t, p, message(1042, "private")); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
	if got := deliver(t, p, &sms.Message{ID: 5, Kind: sms.KindReceipt, Receipt: &sms.Receipt{Of: 1}}); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
	if log.count(`"1042-`) != 1 || log.count(`"status-5"`) != 1 || log.count("private") != 0 {
		t.Error(log.String())
	}
}

func TestTextsAreWrittenAsEncodingJSONReadsThem(t *testing.T) {
	for _, s := range []string{"", "é €", "\x00\x1f\x7f\"\\/\b\f\n\r\t", "\u2028\u2029", "😀", "a\xffb\xc3", strings.Repeat("\xf0\x9f\x98", 3)} {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != string([]rune(s)) {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	}
}

func BenchmarkPushToTheStandIn(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(*PushOptions)
	}{
		{"plain", func(*PushOptions) {}},
		{"signed", func(o *PushOptions) { o.Secret = "secret" }},
		{"template", func(o *PushOptions) { o.Body = `{"to":{{json .To}},"text":{{json .Text}}}` }},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := options(Simulator)
			o.Text = func(ms []*sms.Message) sms.Text { return sms.Text{Text: string(ms[0].Content), Encoding: "gsm7"} }
			o.Timeout = 10 * time.Second
			c.change(&o)
			p := newPush(b, o)
			ms := []*sms.Message{message(1042, "Bonjour, votre commande est prête.")}
			outcome := make(chan sms.Outcome, 1)
			report := func(o sms.Outcome) { outcome <- o }
			b.ReportAllocs()
			for b.Loop() {
				p.Deliver(ms, false, report)
				<-outcome
			}
		})
	}
	b.Run("32 in flight", func(b *testing.B) {
		o := options(Simulator)
		o.Text = func(ms []*sms.Message) sms.Text { return sms.Text{Text: string(ms[0].Content), Encoding: "gsm7"} }
		p := newPush(b, o)
		ms := []*sms.Message{message(1042, "Bonjour, votre commande est prête.")}
		outcomes := make(chan sms.Outcome, 32)
		report := func(o sms.Outcome) { outcomes <- o }
		for range 32 {
			outcomes <- sms.Outcome{}
		}
		b.ReportAllocs()
		for b.Loop() {
			<-outcomes
			p.Deliver(ms, false, report)
		}
	})
}
