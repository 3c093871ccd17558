package store

import (
	"context"
	"time"
)

// AuditEntry is something that somebody did.
type AuditEntry struct {
	ID   int64 // given by AddAudit; rises
	At   time.Time
	Who  string // a user, "token", "local", …
	From string // an address, "" = this machine
	What string
	On   string // a client, a message_id, a key
	More string
}

// AddAudit keeps an entry. It returns at once; done, which may be nil, tells when it is on disk. Texts longer than 1000 octets
// are cut.
func (s *Store) AddAudit(e AuditEntry, done func(error)) {}

// Audit lists the entries below an ID, 0 = all, the newest first and at most limit of them.
func (s *Store) Audit(ctx context.Context, below int64, limit int) ([]AuditEntry, error) {
	return nil, errNotBuilt
}
