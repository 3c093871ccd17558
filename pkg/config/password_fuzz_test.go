package config

import (
	"strings"
	"testing"
)

// FuzzPassword holds that no stored password, hash or not, breaks the check, that a plain one lets in who gives it and nobody
// else, and that what is no whole hash lets in nobody.
func FuzzPassword(f *testing.F) {
	hash, err := HashPassword("secret")
	if err != nil {
		f.Fatal(err)
	}
	for _, stored := range []string{"", "secret", hash, hash[:30], "$2", "$2a$", "$2a$99$" + strings.Repeat("a", 53), "$2a$31$" + strings.Repeat("a", 53), "$2a$04$", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$aGFzaA", "$2\x00"} {
		f.Add(stored, "secret")
		f.Add(stored, stored)
		f.Add(stored, strings.Repeat("x", 73))
	}
	f.Fuzz(func(t *testing.T, stored, given string) {
		if !IsHash(stored) {
			if CheckPassword(stored, given) != (stored == given) {
				t.Fatalf("%q for %q", given, stored)
			}
			return
		}
		problem := hashProblem(stored)
		if problem == "" && stored != hash {
			return // it costs what its maker wanted
		}
		if ok := CheckPassword(stored, given); ok && (problem != "" || given != "secret") {
			t.Fatalf("%q for %q", given, stored)
		}
	})
}
