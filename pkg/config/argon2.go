package config

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Prefix begins a hash of this kind (the PHC string format): $argon2id$v=19$m=19456,t=2,p=1$salt$hash
const argon2Prefix = "$argon2id$"

// What HashPassword makes: a check takes 19 MiB and some 30 ms.
const (
	argon2Memory  = 19 << 10 // KiB
	argon2Passes  = 2
	argon2Threads = 1
	argon2Salt    = 16 // octets
	argon2Hash    = 32
)

// What a hash in config.toml may ask for: so many checks run at the same time as package passwords has places. The product of memory and
// passes keeps one from costing seconds.
const (
	maxArgon2Memory  = 64 << 10 // KiB
	maxArgon2Passes  = 16
	maxArgon2Work    = 256 << 10 // KiB times passes
	maxArgon2Threads = 4
	maxArgon2Octets  = 64 // of salt and hash
	minArgon2Salt    = 8  // RFC 9106, 3.1
	minArgon2Hash    = 16
)

// argon2id is a hash of this kind, taken apart.
type argon2id struct {
	memory, passes uint32
	threads        uint8
	salt, hash     []byte
}

func newArgon2id(plain string) string {
	salt := make([]byte, argon2Salt)
	_, _ = rand.Read(salt) // never fails
	hash := argon2.IDKey([]byte(plain), salt, argon2Passes, argon2Memory, argon2Threads, argon2Hash)
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2Prefix, argon2.Version, argon2Memory, argon2Passes, argon2Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

var errNotWhole = errors.New("begins with " + argon2Prefix + " as a hash does, but is not a whole one")

// parseArgon2id takes a hash apart. What asks for more than the bounds is an error, too.
func parseArgon2id(stored string) (a argon2id, err error) {
	parts := strings.Split(strings.TrimPrefix(stored, argon2Prefix), "$")
	if len(parts) != 4 {
		return a, errNotWhole
	}
	if parts[0] != fmt.Sprint("v=", argon2.Version) {
		return a, errors.New("is an argon2id hash of another version than 19")
	}
	var memory, passes, threads uint64
	if n, err := fmt.Sscanf(parts[1], "m=%d,t=%d,p=%d", &memory, &passes, &threads); n != 3 || err != nil ||
		parts[1] != fmt.Sprintf("m=%d,t=%d,p=%d", memory, passes, threads) {
		return a, errNotWhole
	}
	switch {
	case memory > maxArgon2Memory || passes > maxArgon2Passes || threads > maxArgon2Threads || memory*passes > maxArgon2Work:
		return a, fmt.Errorf("is an argon2id hash that costs too much, %s: the most is m=%d (KiB), t=%d, p=%d, and %d for m times t", parts[1],
			maxArgon2Memory, maxArgon2Passes, maxArgon2Threads, maxArgon2Work)
	case passes < 1 || threads < 1 || memory < 8*threads: // RFC 9106, 3.1
		return a, fmt.Errorf("is an argon2id hash with %s, which cannot be: t and p are 1 at least, and m 8 times p", parts[1])
	}
	a.memory, a.passes, a.threads = uint32(memory), uint32(passes), uint8(threads)
	for i, field := range [...]struct {
		octets *[]byte
		least  int
	}{{&a.salt, minArgon2Salt}, {&a.hash, minArgon2Hash}} {
		octets, err := base64.RawStdEncoding.Strict().DecodeString(parts[2+i])
		if err != nil || len(octets) < field.least || len(octets) > maxArgon2Octets {
			return a, errNotWhole
		}
		*field.octets = octets
	}
	return a, nil
}

// fits takes as long for any wrong password.
func (a argon2id) fits(given string) bool {
	hash := argon2.IDKey([]byte(given), a.salt, a.passes, a.memory, a.threads, uint32(len(a.hash)))
	return subtle.ConstantTimeCompare(hash, a.hash) == 1
}
