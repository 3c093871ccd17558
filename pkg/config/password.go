package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Algorithm is a way of hashing passwords.
type Algorithm string

// The algorithms.
const (
	Argon2id Algorithm = "argon2id"
	Bcrypt   Algorithm = "bcrypt"
)

// bcryptCost makes a check some 50 ms long. Clients bind rarely; after an
// outage all of them bind at once.
const bcryptCost = 10

// maxBcryptCost keeps a pasted hash from costing seconds at every bind.
const maxBcryptCost = 14

// HashPassword makes what may stand in config.toml in place of the password, by argon2id.
// It takes 1 to 72 octets.
func HashPassword(plain string) (string, error) { return HashPasswordBy(Argon2id, plain) }

// HashPasswordBy is HashPassword by another algorithm.
func HashPasswordBy(how Algorithm, plain string) (string, error) {
	switch {
	case plain == "":
		return "", errors.New("hash password: it is empty")
	case len(plain) > longestPassword:
		return "", fmt.Errorf("hash password: it has %d octets; the most is %d", len(plain), longestPassword)
	case how == Argon2id:
		return newArgon2id(plain), nil
	case how != Bcrypt:
		return "", fmt.Errorf("hash password: there is no algorithm %q", how)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(plain), bcryptCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}

// IsHash reports whether a stored password is a hash, and not plain.
func IsHash(stored string) bool {
	return strings.HasPrefix(stored, "$2") || strings.HasPrefix(stored, argon2Prefix)
}

// CheckPassword compares what a peer gave with what config.toml holds, plain
// or hashed. Its time does not depend on how much of it is right.
func CheckPassword(stored, given string) bool {
	switch {
	case strings.HasPrefix(stored, argon2Prefix):
		a, err := parseArgon2id(stored)
		return err == nil && a.fits(given)
	case IsHash(stored):
		return hashProblem(stored) == "" && bcrypt.CompareHashAndPassword([]byte(stored), []byte(given)) == nil
	}
	a, b := sha256.Sum256([]byte(stored)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// hashProblem says what is wrong with a stored hash, or nothing.
func hashProblem(stored string) string {
	if strings.HasPrefix(stored, argon2Prefix) {
		if _, err := parseArgon2id(stored); err != nil {
			return err.Error() + "; make one with: smppserv hash-password"
		}
		return ""
	}
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil || len(stored) != 60 {
		return "begins with $2 as a hash does, but is not a whole one; make one with: smppserv hash-password"
	}
	if cost > maxBcryptCost {
		return fmt.Sprintf("is a bcrypt hash of cost %d, the highest is %d; make one with: smppserv hash-password", cost, maxBcryptCost)
	}
	return ""
}
