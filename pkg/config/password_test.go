package config

import (
	"strings"
	"testing"
)

func TestPasswordsPlainAndHashed(t *testing.T) {
	hash, err := HashPassword("vocalcom")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$2a$10$") || hashProblem(hash) != "" {
		t.Errorf("hash = %s", hash)
	}
	for _, tt := range []struct {
		stored, given string
		want          bool
	}{
		{"vocalcom", "vocalcom", true},
		{"vocalcom", "Vocalcom", false},
		{"vocalcom", "", false},
		{"vocalcom", "vocalcom1", false},
		{"", "", true},
		{"", "x", false},
		{hash, "vocalcom", true},
		{hash, "other", false},
		{hash, hash, false},
		{"$2a$broken", "$2a$broken", false},
	} {
		if got := CheckPassword(tt.stored, tt.given); got != tt.want {
			t.Errorf("CheckPassword(%q, %q) = %v", tt.stored, tt.given, got)
		}
	}
	for _, plain := range []string{"", strings.Repeat("x", 73)} {
		if _, err := HashPassword(plain); err == nil {
			t.Errorf("HashPassword of %d octets: no error", len(plain))
		}
	}
}

func TestTheShippedPasswordIsNoticedAlsoAsAHash(t *testing.T) {
	c := valid()
	if !c.Clients[0].usesShippedPassword() || !c.UsesStandIn() {
		t.Error("the shipped file has the shipped password and the stand-in")
	}
	c.Clients[0].Password, _ = HashPassword("vocalcom")
	if !c.Clients[0].usesShippedPassword() {
		t.Error("a hash of the shipped password is not noticed")
	}
	c.Clients[0].Password = "other"
	if c.Clients[0].usesShippedPassword() {
		t.Error("another password is taken for the shipped one")
	}
}
