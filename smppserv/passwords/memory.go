package passwords

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
)

// Memory knows the last good password of each account, as a hash under a random key of this process: who comes again with it costs
// nothing. Its methods may be called from any goroutine.
type Memory struct {
	key [sha256.Size]byte

	mu   sync.Mutex
	good map[string]remembered
}

// remembered is the password that fits what is stored of an account.
type remembered struct {
	stored string
	mac    [sha256.Size]byte
}

// NewMemory makes one that knows none.
func NewMemory() *Memory {
	m := &Memory{good: map[string]remembered{}}
	_, _ = rand.Read(m.key[:]) // never fails
	return m
}

func (m *Memory) mac(account, stored, given string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, m.key[:])
	for _, s := range [...]string{account, stored, given} {
		part := sha256.Sum256([]byte(s))
		h.Write(part[:])
	}
	h.Sum(sum[:0])
	return sum
}

// Knows tells whether the password given is the last good one of the account, of which this is stored. Its time does not depend on
// how much of it is right.
func (m *Memory) Knows(account, stored, given string) bool {
	m.mu.Lock()
	of, ok := m.good[account]
	m.mu.Unlock()
	if !ok || of.stored != stored {
		return false
	}
	sum := m.mac(account, stored, given)
	return hmac.Equal(sum[:], of.mac[:])
}

// Keep remembers a password that was found good.
func (m *Memory) Keep(account, stored, given string) {
	sum := m.mac(account, stored, given)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.good[account] = remembered{stored, sum}
}

// Retain forgets the accounts that are gone, and those of which something else is stored now.
func (m *Memory) Retain(stored func(account string) string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for account, of := range m.good {
		if stored(account) != of.stored {
			delete(m.good, account)
		}
	}
}
