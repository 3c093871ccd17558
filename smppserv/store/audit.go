package store

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
)

// AuditEntry is something that somebody did. Entries are kept as long as messages, and for CountersKept.
type AuditEntry struct {
	ID   int64 // given when it is written; rises
	At   time.Time
	Who  string // a user, "token", "local", …
	From string // an address, "" = this machine
	What string
	On   string // a client, a message_id, a key
	More string
}

// auditOctets bounds each text of an entry.
const auditOctets = 1000

// AddAudit keeps an entry. It returns at once; done, which may be nil, tells when it is on disk. Texts longer than 1000 octets
// are cut.
func (s *Store) AddAudit(e AuditEntry, done func(error)) {
	for _, text := range []*string{&e.Who, &e.From, &e.What, &e.On, &e.More} {
		if len(*text) > auditOctets {
			*text = strings.ToValidUTF8((*text)[:auditOctets], "")
		}
	}
	if !s.push(op{fill: func(b *Batch) error { b.Audit = append(b.Audit, e); return nil }, done: done}) && done != nil {
		done(sms.ErrUnavailable)
	}
}

// Audit lists the entries below an ID, 0 = all, the newest first and at most limit of them.
func (s *Store) Audit(ctx context.Context, below int64, limit int) ([]AuditEntry, error) {
	if below <= 0 {
		below = math.MaxInt64
	}
	entries, err := s.database.Audit(ctx, below, limit)
	if err != nil {
		return nil, fmt.Errorf("store: read the audit: %w", err)
	}
	return entries, nil
}
