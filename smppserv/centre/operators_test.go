package centre

import (
	"net/netip"
	"testing"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/passwords"
)

func TestAnOperatorWhoWasLetInWaitsForNoCheckOfAPassword(t *testing.T) {
	hash, err := config.HashPassword("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	mc := &centre{users: []config.User{{Name: "ops", Password: hash}, {Name: "plain", Password: "text"}}, good: passwords.NewMemory(), places: passwords.NewPlaces(1)}
	knows := func(name, password string, want bool) {
		t.Helper()
		if got := mc.KnowsUser(name, password); got != want {
			t.Errorf("%s with %q: %t", name, password, got)
		}
	}
	knows("ops", "guess", false)
	knows("ops", "s3cret", true)
	knows("nobody", "s3cret", false)
	leave, err := mc.places.Enter(t.Context(), netip.MustParseAddr("192.0.2.1")) // the place is taken
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	knows("ops", "s3cret", true)
	knows("plain", "text", true)
	knows("plain", "guess", false)
	if n := mc.places.Waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
}
