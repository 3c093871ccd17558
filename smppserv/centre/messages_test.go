package centre

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/admin/metrics"
	"hnetsmpp/smppserv/sms"
)

func TestEachMessageThatHasComeToItsEndHasALineWithoutItsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	file := filepath.Join(filepath.Dir(path), "logs", "messages.log")
	cfg := config.Default()
	text := &sms.Message{ID: 1, Submitter: "acme", Source: sms.Address{Number: "33612345678"}, Dest: sms.Address{Number: "3600"}, Content: []byte("hush")}
	receipt := sms.NewReceipt(sms.KindReceipt, text, sms.Delivered, 0, text.FinalAt, 0)
	receipt.ID = 2
	answer := &sms.Message{ID: 3, Recipient: "acme", Source: sms.Address{Number: `36"\é`}, Dest: sms.Address{Number: sms.Number("\xD6sterreich")}}

	ms := newMessages(metrics.NewCounters(), zerolog.Nop())
	ms.Concluded(text, sms.Delivered) // before it is known where they go
	ms.configure(path, &cfg)
	ms.Concluded(receipt, sms.Delivered)
	ms.Concluded(answer, sms.Expired)
	ms.close()
	data, err := os.ReadFile(file)
	if err != nil || bytes.Contains(data, []byte("hush")) {
		t.Fatalf("%v, %s", err, data)
	}
	type line struct {
		ID, From, To, Client, State, Kind string
		ReceiptOf                         string `json:"receipt_of"`
	}
	var got []line
	for text := range strings.Lines(string(data)) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got = append(got, l)
	}
	want := []line{{"1", "33612345678", "3600", "acme", "DELIVERED", "", ""}, {"2", "3600", "33612345678", "acme", "DELIVERED", "receipt", "1"}, {"3", `36"\é`, "Österreich", "acme", "EXPIRED", "", ""}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	ms = newMessages(metrics.NewCounters(), zerolog.Nop())
	cfg.Log.Messages, cfg.Log.Content = false, true
	ms.Concluded(text, sms.Delivered)
	ms.configure(path, &cfg)
	ms.Concluded(text, sms.Delivered)
	ms.close()
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, data) {
		t.Errorf("switched off, it writes %s, %v", after[len(data):], err)
	}
}

// Nobody knows yet where the lines go, so that none is written.
func TestLinesThatTheDiskDoesNotTakeAreLeftOutAndCounted(t *testing.T) {
	var log bytes.Buffer
	ms := newMessages(metrics.NewCounters(), zerolog.New(zerolog.SyncWriter(&log)))
	m := &sms.Message{ID: 1, Submitter: "acme"}
	line := len(new(messages).appendLine(nil, m, sms.Delivered, m.ReceivedAt))
	n := 2 * maxUnwritten / line
	for range n {
		ms.Concluded(m, sms.Delivered)
	}
	ms.mu.Lock()
	octets, left := len(ms.lines), ms.left
	ms.mu.Unlock()
	if octets > maxUnwritten+2*line || left == 0 {
		t.Errorf("%d octets wait, %d lines are left out", octets, left)
	}
	cfg := config.Default()
	ms.configure(filepath.Join(t.TempDir(), "config.toml"), &cfg)
	ms.close()
	if !strings.Contains(log.String(), "lines were left out") {
		t.Errorf("the log says %s", &log)
	}
}

func BenchmarkALineOfAMessage(b *testing.B) {
	ms := newMessages(metrics.NewCounters(), zerolog.Nop())
	cfg := config.Default()
	ms.configure(filepath.Join(b.TempDir(), "config.toml"), &cfg)
	m := &sms.Message{ID: 123456, Submitter: "acme", Source: sms.Address{Number: "33612345678"}, Dest: sms.Address{Number: "3600"}}
	for b.Loop() {
		ms.Concluded(m, sms.Delivered)
	}
	ms.close()
}

func TestALineHasTheTimeOfItsMessageToTheMillisecond(t *testing.T) {
	const layout = "2006-01-02T15:04:05.000Z07:00"
	var clock secondText
	began := time.Date(2026, 10, 25, 0, 59, 58, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 2*3600), time.FixedZone("", -9*3600-1800)} {
		clock = secondText{}                                                         // the process' zone does not change
		for _, ms := range []int{0, 1, 999, 1000, 1007, 1999, 2000, 5, 62_345, -1} { // it may be set back
			at := began.Add(time.Duration(ms)*time.Millisecond + 999_999).In(zone)
			if got, want := string(clock.append([]byte("at "), at)), "at "+at.Format(layout); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}
