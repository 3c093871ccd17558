package smsc

import (
	"fmt"
	"slices"
	"testing"
)

func TestANumberIsOwnedByThoseWhoseNumbersFitBest(t *testing.T) {
	d := newDirectory(Settings{Clients: []Client{
		{SystemID: "every"},
		{SystemID: "exact", Numbers: []string{"3600", "3600", "3601"}},
		{SystemID: "short", Numbers: []string{"36*", "3601"}},
		{SystemID: "long", Numbers: []string{"36*", "360*"}},
		{SystemID: "all", Numbers: []string{"*"}},
		{SystemID: "too", Numbers: nil},
	}})
	for number, want := range map[string][]string{
		"3600":  {"exact"},
		"3601":  {"exact", "short"},
		"36011": {"long"},
		"360":   {"long"},
		"36":    {"short", "long"},
		"369":   {"short", "long"},
		"3":     {"all"},
		"":      {"all"},
		"4711":  {"all"},
	} {
		var got []string
		for _, c := range d.owners(number) {
			got = append(got, c.SystemID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is owned by %q, want %q", number, got, want)
		}
	}
	for id, owned := range map[string][]string{"every": {"", "3", "3600"}, "exact": {"3600", "3601"}, "short": {"36", "3601", "3699"}, "all": {"", "3"}} {
		for _, number := range []string{"", "3", "36", "3600", "3601", "3699"} {
			if c := d.byID[id]; slices.Contains(owned, number) && !c.owns(number) {
				t.Errorf("%s does not own %q", id, number)
			}
		}
	}
	if d.byID["exact"].owns("36000") || d.byID["short"].owns("3") || d.byID["long"].owns("") {
		t.Error("a client owns what is not its own")
	}
	d = newDirectory(Settings{Clients: []Client{{SystemID: "exact", Numbers: []string{"3600"}}, {SystemID: "every"}, {SystemID: "too"}}})
	if got := d.owners("1"); len(got) != 2 || got[0].SystemID != "every" {
		t.Errorf("a number that nobody has is owned by %d", len(got))
	}
}

func BenchmarkOwners(b *testing.B) {
	var clients []Client
	for i := range 1000 {
		clients = append(clients, Client{SystemID: fmt.Sprint(i), Numbers: []string{fmt.Sprint(36000 + i), fmt.Sprint(4000+i, "*")}})
	}
	d := newDirectory(Settings{Clients: clients})
	b.ReportAllocs()
	for b.Loop() {
		if len(d.owners("36500")) != 1 || len(d.owners("4500123")) != 1 {
			b.Fatal("nobody owns it")
		}
	}
}
