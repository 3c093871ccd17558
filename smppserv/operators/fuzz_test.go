package operators

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
)

// added is a message on its way into the store.
type added struct {
	m    *sms.Message
	done chan error
}

func (a added) Message() *sms.Message      { return a.m }
func (a added) Replaces() *road.Transition { return nil }
func (a added) Added(_ bool, err error)    { a.done <- err }

// FuzzSearch holds that any filter either is not understood or finds, in a real store, the messages that it describes and no
// others.
func FuzzSearch(f *testing.F) {
	s, err := sqlite.Open(f.Context(), sqlite.Options{File: filepath.Join(f.TempDir(), "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.WithoutCancel(f.Context())) })
	now := time.Now()
	numbers := []string{"33612345678", "3600", "%", "_", "O'Brien", `a\b`, "latin1:é", "36*"}
	var all []*sms.Message
	for i, from := range numbers {
		for j, to := range numbers[:4] {
			m := &sms.Message{Kind: sms.KindText, Submitter: "acme", Recipient: sms.Hermes, Source: sms.Address{Number: from}, Dest: sms.Address{Number: to},
				ReceivedAt: now, StoredAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), State: sms.Enroute, Alphabet: "gsm7", Content: []byte("a")}
			if (i+j)%2 == 1 {
				m.Submitter, m.Recipient = sms.Hermes, "next"
			}
			a := added{m, make(chan error, 1)}
			s.Add(a)
			if err := <-a.done; err != nil {
				f.Fatal(err)
			}
			all = append(all, m)
		}
	}
	ops := &Operators{}
	ops.parts.Store = s
	for _, number := range []string{"", "3*", "%", "_*", "' OR 1=1 --", "33612345678", "+3600", "*", "**", "\x00", "\xff*", `\`, "latin1:é", "é", strings.Repeat("9", 65), "36*"} {
		f.Add("acme", number, "", "", "in", "text", "", int64(0), int64(0), 0)
		f.Add("", number, "3600", "waiting", "", "", "30", int64(-3600), int64(3600), 1000)
	}
	f.Add("hermes", "", "", "failed", "out", "receipt", "0", int64(1), int64(-1), -1)
	f.Add("O'Brien", "a", "%", "DELIVERED", "both", "letter", "18446744073709551615", int64(1)<<40, int64(0), 1001)
	f.Fuzz(func(t *testing.T, client, number, campaign, state, direction, kind, cursor string, from, to int64, limit int) {
		q := adminapi.Search{Client: client, Number: number, Campaign: campaign, State: state, Direction: direction, Kind: kind, Cursor: cursor, Limit: limit}
		if from != 0 {
			q.From = now.Add(time.Duration(from) * time.Second)
		}
		if to != 0 {
			q.To = now.Add(time.Duration(to) * time.Second)
		}
		what, err := searchFor(q)
		if err != nil {
			if !errors.Is(err, adminapi.ErrBadRequest) {
				t.Fatalf("%+v: %v", q, err)
			}
			return
		}
		found, err := s.Search(t.Context(), what)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		got := map[sms.ID]bool{}
		for _, m := range found.Messages {
			got[m.ID] = true
			if !described(q, m) {
				t.Fatalf("%+v finds %+v", q, m)
			}
		}
		if campaign != "" || state != "" || kind != "" || direction != "" || cursor != "" || from != 0 || to != 0 || found.Next != 0 || !found.SearchedTo.IsZero() {
			return
		}
		for _, m := range all {
			if described(q, m) && !got[m.ID] {
				t.Fatalf("%+v does not find %+v", q, m)
			}
		}
	})
}

// described tells whether a message has the client and the number that a search says.
func described(q adminapi.Search, m *sms.Message) bool {
	if q.Client != "" && m.Submitter != q.Client && m.Recipient != q.Client {
		return false
	}
	number := strings.TrimPrefix(strings.TrimSpace(q.Number), "+")
	beginning, some := strings.CutSuffix(number, "*")
	for _, own := range []string{m.Source.Number, m.Dest.Number} {
		if number == "" || own == number || some && strings.HasPrefix(own, beginning) {
			return true
		}
	}
	return false
}
