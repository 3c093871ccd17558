package config

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
)

func hashed(t *testing.T, plain string, how Algorithm) string {
	t.Helper()
	hash, err := HashPasswordBy(how, plain)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestPasswordsPlainAndHashed(t *testing.T) {
	for how, prefix := range map[Algorithm]string{Bcrypt: "$2a$10$", Argon2id: "$argon2id$v=19$m=19456,t=2,p=1$"} {
		hash := hashed(t, "vocalcom", how)
		if !strings.HasPrefix(hash, prefix) || hashProblem(hash) != "" || !IsHash(hash) || hash == hashed(t, "vocalcom", how) {
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
			{hash, "", false},
			{hash, hash, false},
			{prefix + "broken", prefix + "broken", false},
		} {
			if got := CheckPassword(tt.stored, tt.given); got != tt.want {
				t.Errorf("CheckPassword(%q, %q) = %v", tt.stored, tt.given, got)
			}
		}
		for _, plain := range []string{"", strings.Repeat("x", 73)} {
			if _, err := HashPasswordBy(how, plain); err == nil {
				t.Errorf("HashPassword of %d octets: no error", len(plain))
			}
		}
	}
	if _, err := HashPasswordBy("md5", "x"); err == nil {
		t.Error("there is md5")
	}
}

// Such a hash stands in a file that somebody was sent: what it asks for is done at each bind.
func TestAnArgon2idHashThatIsNotWholeOrCostsTooMuchIsAFault(t *testing.T) {
	const salt, hash = "c29tZXNhbHRzb21lc2FsdA", "RdescudvJCsgt3ub+b5dWRWJTmaaJObGRdescudvJCs"
	for stored, want := range map[string]string{
		"$argon2id$v=19$m=65536,t=4,p=4$" + salt + "$" + hash:                  "",
		"$argon2id$v=19$m=16384,t=16,p=1$" + salt + "$" + hash:                 "",
		"$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + hash:                      "",
		"$argon2id$v=19$m=65537,t=1,p=1$" + salt + "$" + hash:                  "costs too much, m=65537,t=1,p=1",
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + hash:             "costs too much",
		"$argon2id$v=19$m=18446744073709551615,t=2,p=1$" + salt + "$" + hash:   "costs too much",
		"$argon2id$v=19$m=8,t=17,p=1$" + salt + "$" + hash:                     "costs too much",
		"$argon2id$v=19$m=65536,t=5,p=1$" + salt + "$" + hash:                  "costs too much",
		"$argon2id$v=19$m=64,t=1,p=5$" + salt + "$" + hash:                     "costs too much",
		"$argon2id$v=19$m=7,t=1,p=1$" + salt + "$" + hash:                      "which cannot be",
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + hash:                     "which cannot be",
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + hash:                     "which cannot be",
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + hash:                     "another version than 19",
		"$argon2id$m=64,t=1,p=1$" + salt + "$" + hash:                          "not a whole one",
		"$argon2id$v=19$m=64,t=1$" + salt + "$" + hash:                         "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1,x$" + salt + "$" + hash:                   "not a whole one",
		"$argon2id$v=19$m=+64,t=1,p=1$" + salt + "$" + hash:                    "not a whole one",
		"$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + hash:                    "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$$" + hash:                                 "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$":                            "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + hash[:20]:                "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 100): "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + hash + "$x":              "not a whole one",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + hash + "=":               "not a whole one",
		"$argon2id$": "not a whole one",
	} {
		c := valid()
		c.Clients[0].Password = stored
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), "clients[0].password: ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", stored, err, want)
		}
		if want != "" && CheckPassword(stored, "x") {
			t.Errorf("%s lets somebody in", stored)
		}
		c = valid()
		c.Admin.Users = []User{{Name: "ops", Password: stored}}
		if err := c.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "admin.users[0].password: ") {
			t.Errorf("of an operator, %s: %v", stored, err)
		}
	}
}

func TestAHashOfAnotherProgramIsChecked(t *testing.T) {
	salt := []byte("somesaltsomesalt")
	const threads, passes, memory = 2, 3, 64
	b64 := base64.RawStdEncoding.EncodeToString
	stored := "$argon2id$v=19$m=64,t=3,p=2$" + b64(salt) + "$" + b64(argon2.IDKey([]byte("secret"), salt, passes, memory, threads, 24))
	if !CheckPassword(stored, "secret") || CheckPassword(stored, "Secret") {
		t.Error("its password is not known")
	}
	// The test vector of the reference implementation (phc-winner-argon2, test.c).
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !CheckPassword(known, "password") || CheckPassword(known, "passwore") {
		t.Error("the known hash of \"password\" is not known")
	}
}

func TestTheShippedPasswordIsNoticedAlsoAsAHash(t *testing.T) {
	c := valid()
	if !c.Clients[0].usesShippedPassword() || !c.UsesStandIn() {
		t.Error("the shipped file has the shipped password and the stand-in")
	}
	for _, how := range []Algorithm{Argon2id, Bcrypt} {
		if c.Clients[0].Password = hashed(t, "vocalcom", how); !c.Clients[0].usesShippedPassword() {
			t.Error("a hash of the shipped password is not noticed")
		}
	}
	c.Clients[0].Password = "other"
	if c.Clients[0].usesShippedPassword() {
		t.Error("another password is taken for the shipped one")
	}
}
