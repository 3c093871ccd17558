package tally

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// disk is where the counters of a Sheet are written.
type disk map[Key]Count

func (d disk) load(hour int64, f func(*Row)) error {
	for k, c := range d {
		if k.Hour == hour {
			f(&Row{k, c})
		}
	}
	return nil
}

func (d disk) write(t *testing.T, s *Sheet) (keys []Key) {
	t.Helper()
	err := s.Rows(func(r *Row) error {
		keys = append(keys, r.Key)
		d[r.Key] = r.Count
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Commit()
	return keys
}

func (d disk) sum() (n int64) {
	for _, c := range d {
		n += c.N
	}
	return n
}

func add(t *testing.T, s *Sheet, id int, at time.Time, campaign string) {
	t.Helper()
	m := &sms.Message{ID: sms.ID(id), Submitter: "a", Dest: sms.Address{Number: campaign}, ReceivedAt: at}
	if err := s.Add(m); err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func TestCampaignsBeyondTheBoundCountUnderNoNameAndItIsToldOnce(t *testing.T) {
	d := disk{}
	s := NewSheet(d.load)
	told := 0
	for i := range MaxCampaigns + 100 {
		add(t, s, i+1, noon, fmt.Sprint("33", i))
		if i%1000 == 0 || i > MaxCampaigns {
			d.write(t, s)
			if s.TooMany() {
				told++
			}
		}
	}
	nameless := d[Key{Hour: noon.UnixMilli(), Subject: Subject{Client: "a"}, State: Accepted}]
	if len(d) != MaxCampaigns+1 || nameless.N != 100 || told != 1 || d.sum() != MaxCampaigns+100 {
		t.Errorf("%d counters, %d under no name, told %d times, %d in all", len(d), nameless.N, told, d.sum())
	}
	s = NewSheet(d.load) // a restart
	add(t, s, 1, noon, "another")
	add(t, s, 2, noon, "330")
	add(t, s, 3, noon.Add(time.Hour), "another")
	d.write(t, s)
	if n := d[Key{Hour: noon.UnixMilli(), Subject: Subject{Client: "a"}, State: Accepted}].N; n != 101 || len(d) != MaxCampaigns+2 {
		t.Errorf("after a restart %d under no name, %d counters", n, len(d))
	}
}

func TestACampaignInventedForEachMessageTakesNoMemory(t *testing.T) {
	s := NewSheet(disk{}.load)
	for i := range 5 * leastSwept {
		add(t, s, i+1, noon, fmt.Sprint("33", i))
		if i%1000 == 0 {
			s.Commit()
		}
	}
	if n := len(s.subjects); n > 2*leastSwept {
		t.Errorf("%d subjects are in memory", n)
	}
}

func TestHoursLeaveMemoryAndComeBackAsTheyWere(t *testing.T) {
	d := disk{}
	s := NewSheet(d.load)
	for i := range 100 {
		add(t, s, i+1, noon.Add(time.Duration(i%10)*time.Hour), "3600")
		d.write(t, s)
		if len(s.hours) > maxHours {
			t.Fatalf("%d hours are in memory", len(s.hours))
		}
	}
	for i := range 100 { // their subjects have left memory in between
		if err := s.End(sms.ID(i+1), sms.Delivered, 0, noon.Add(20*time.Hour).UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	d.write(t, s)
	if len(d) != 11 || d.sum() != 200 {
		t.Errorf("%d counters with %d in all: %v", len(d), d.sum(), d)
	}
	if got := s.Totals(); got.Received != 100 || got.Pushed != 100 || got.Push.Len() != 100 {
		t.Errorf("counted was %+v", got)
	}
}

func TestABatchThatIsTakenBackCountsNothing(t *testing.T) {
	d := disk{}
	s := NewSheet(d.load)
	for range 3 {
		add(t, s, 1, noon, "3600")
		s.Rollback()
	}
	add(t, s, 1, noon, "3600")
	d.write(t, s)
	if keys := d.write(t, s); len(keys) != 0 || d.sum() != 1 {
		t.Errorf("%d counted, and the next batch writes %v", d.sum(), keys)
	}
	if got := s.Totals(); got.Received != 1 {
		t.Errorf("counted was %+v", got)
	}
}

func TestWhatCannotBeReadIsNotCountedAnew(t *testing.T) {
	d := disk{}
	fault := errors.New("the disk")
	s := NewSheet(func(hour int64, f func(*Row)) error {
		if err := d.load(hour, f); err != nil || fault == nil {
			return err
		}
		return fault
	})
	d[Key{Hour: noon.UnixMilli(), Subject: Subject{Client: "a", Campaign: "3600"}, State: Accepted}] = Count{N: 5}
	m := &sms.Message{ID: 1, Submitter: "a", Dest: sms.Address{Number: "3600"}, ReceivedAt: noon}
	if err := s.Add(m); !errors.Is(err, fault) {
		t.Fatalf("got %v", err)
	}
	s.Rollback()
	fault = nil
	add(t, s, 1, noon, "3600")
	d.write(t, s)
	if d.sum() != 6 {
		t.Errorf("it counts %v", d)
	}
}

func TestRowsAreInTheOrderOfTheirKeys(t *testing.T) {
	d := disk{}
	s := NewSheet(d.load)
	for i, campaign := range []string{"3700", "3600", "36"} {
		add(t, s, 2*i+1, noon.Add(time.Hour), campaign)
		add(t, s, 2*i+2, noon, campaign)
	}
	var got []string
	for _, k := range d.write(t, s) {
		got = append(got, fmt.Sprint(time.UnixMilli(k.Hour).UTC().Hour(), " ", k.Campaign))
	}
	if want := "12 36, 12 3600, 12 3700, 13 36, 13 3600, 13 3700"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestWhatAMessageCountsFor(t *testing.T) {
	person, campaign := sms.Address{Number: "336"}, sms.Address{Number: "3600"}
	for _, c := range []struct {
		m    sms.Message
		want Subject
	}{
		{sms.Message{Submitter: "a", Source: person, Dest: campaign}, Subject{Client: "a", Campaign: "3600"}},
		{sms.Message{Recipient: "a", Source: campaign, Dest: person}, Subject{Client: "a", Campaign: "3600", Out: true}},
		{sms.Message{Submitter: "a", Recipient: "b", Source: person, Dest: campaign}, Subject{Client: "a", Peer: "b"}},
		{sms.Message{Kind: sms.KindReceipt, Recipient: "a", Source: campaign, Dest: person}, Subject{Client: "a", Campaign: "3600", Kind: sms.KindReceipt, Out: true}},
		{sms.Message{Kind: sms.KindReceipt, Source: person, Dest: campaign}, Subject{Campaign: "3600", Kind: sms.KindReceipt}},
	} {
		if got := Of(&c.m); got != c.want {
			t.Errorf("%+v counts for %+v, want %+v", c.m, got, c.want)
		}
	}
}

func TestHowManyShortMessagesAMessageIs(t *testing.T) {
	for _, c := range []struct {
		submitter, alphabet, text string
		want                      int64
	}{
		{"", "", "", 1}, {"", "", strings.Repeat("x", 160), 1}, {"", "", strings.Repeat("x", 161), 2}, {"", "", strings.Repeat("x", 2*153+1), 3},
		{"", "", strings.Repeat("я", 70), 1}, {"", "", strings.Repeat("я", 71), 2}, {"", "gsm7", strings.Repeat("€", 81), 2},
		{"", "ucs2", strings.Repeat("x", 71), 2}, {"", "binary", strings.Repeat("x", 140), 1}, {"", "binary", strings.Repeat("x", 141), 2},
		{"", "", strings.Repeat("x", 100_000), 1}, // too long: it will be refused
		{"a", "", strings.Repeat("x", 1000), 1},
	} {
		if got := Parts(&sms.Message{Submitter: c.submitter, Alphabet: c.alphabet, Content: []byte(c.text)}); got != c.want {
			t.Errorf("%d octets in %q from %q are %d, want %d", len(c.text), c.alphabet, c.submitter, got, c.want)
		}
	}
}

func TestAnHourBeginsAtItsFirstMillisecond(t *testing.T) {
	const h = 3_600_000
	for ms, want := range map[int64]int64{0: 0, 1: 0, h - 1: 0, h: h, -1: -h, -h: -h, -h - 1: -2 * h} {
		if got := Hour(ms); got != want {
			t.Errorf("%d is in the hour of %d, want %d", ms, got, want)
		}
	}
}

func TestThePeersCodesAreSoManyReasons(t *testing.T) {
	hermes, client := Subject{}, Subject{Out: true}
	for _, c := range []struct {
		of    Subject
		state sms.State
		code  int
		want  string
	}{
		{hermes, sms.Undeliverable, 404, "http 404"}, {hermes, sms.Expired, 0, ""}, {hermes, sms.Rejected, 99999, "http, another status"},
		{client, sms.Rejected, 0x45, "smpp 0x00000045"}, {client, sms.Rejected, 0x7FFFFFFF, "smpp, another status"}, {client, sms.Rejected, -1, "smpp, another status"},
		{Subject{Client: "a", Peer: "b"}, sms.Expired, 8, "smpp 0x00000008"}, {hermes, sms.Delivered, 200, ""}, {client, sms.Deleted, 8, ""},
	} {
		if got := c.of.Reason(c.state, c.code); got != c.want {
			t.Errorf("%v with %d is %q, want %q", c.state, c.code, got, c.want)
		}
	}
}
