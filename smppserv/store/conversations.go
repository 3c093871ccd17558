package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/smppserv/sms"
)

func conversationOf(m *sms.Message) sms.Conversation {
	return sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}
}

type conversationKey struct{ number, campaign string }

// conversationCache spares the write for a conversation that goes on as the store knows it.
type conversationCache struct {
	known map[conversationKey]sms.Conversation
}

// maxConversations bounds the cache to about 20 MB.
const maxConversations = 100_000

func newConversationCache() conversationCache {
	return conversationCache{known: map[conversationKey]sms.Conversation{}}
}

// news tells whether the store does not have c yet, and takes note of it.
func (cc conversationCache) news(c sms.Conversation) bool {
	k := conversationKey{c.Number.Number, c.Campaign.Number}
	if old, ok := cc.known[k]; ok && old == c {
		return false
	}
	if len(cc.known) >= maxConversations {
		clear(cc.known)
	}
	cc.known[k] = c
	return true
}

// forget takes back what news noted in a transaction that failed.
func (cc conversationCache) forget(fresh []sms.Conversation) {
	for _, c := range fresh {
		delete(cc.known, conversationKey{c.Number.Number, c.Campaign.Number})
	}
}

// afterAll has what is written from now on count as newer than what is there, also where the clock was set back since.
func (w *writer) afterAll(ctx context.Context, now time.Time) error {
	const lately = 100 // messages
	// A conversation is written with its message, or a moment after that came.
	const moment = 5000 // milliseconds
	var newest int64
	err := w.conn.QueryRowContext(ctx, "SELECT coalesce(max(received_at), 0) FROM (SELECT received_at FROM messages ORDER BY id DESC LIMIT ?)", lately).Scan(&newest)
	if newest > milli(now) {
		w.wroteAt = newest + moment
	}
	return err
}

// writeConversations writes what is new. Its time rises from one transaction to the next, whatever the clock does.
func (w *writer) writeConversations(now time.Time) error {
	if len(w.fresh) > 0 {
		w.wroteAt = max(milli(now), w.wroteAt+1)
	}
	for _, c := range w.fresh {
		err := w.exec("INSERT INTO conversations (number, campaign, client, number_ton, number_npi, campaign_ton, campaign_npi, written_at) "+
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number, campaign) DO UPDATE SET client = excluded.client, "+
			"number_ton = excluded.number_ton, number_npi = excluded.number_npi, campaign_ton = excluded.campaign_ton, "+
			"campaign_npi = excluded.campaign_npi, written_at = excluded.written_at",
			c.Number.Number, c.Campaign.Number, c.Client, int64(c.Number.TON), int64(c.Number.NPI), int64(c.Campaign.TON), int64(c.Campaign.NPI), w.wroteAt)
		if err != nil {
			return err
		}
	}
	return nil
}

// LastWriter finds who last wrote from number to campaign; ok is false when nobody did.
func (s *Store) LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error) {
	row := s.db.QueryRowContext(ctx, "SELECT client, number_ton, number_npi, campaign_ton, campaign_npi FROM conversations "+
		"WHERE number = ? AND campaign = ?", number, campaign)
	return scanConversation(row, number, campaign)
}

// LastUse finds how the client last wrote number, to whichever campaign.
func (s *Store) LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error) {
	row := s.db.QueryRowContext(ctx, "SELECT client, number_ton, number_npi, campaign_ton, campaign_npi FROM conversations "+
		"WHERE number = ? AND client = ? ORDER BY written_at DESC LIMIT 1", number, client)
	c, ok, err := scanConversation(row, number, "")
	return c.Number, ok, err
}

func scanConversation(row *sql.Row, number, campaign string) (c sms.Conversation, ok bool, err error) {
	c.Number.Number, c.Campaign.Number = number, campaign
	err = row.Scan(&c.Client, &c.Number.TON, &c.Number.NPI, &c.Campaign.TON, &c.Campaign.NPI)
	if errors.Is(err, sql.ErrNoRows) {
		return sms.Conversation{}, false, nil
	}
	if err != nil {
		return sms.Conversation{}, false, fmt.Errorf("store: look up a conversation: %w", err)
	}
	return c, true, nil
}
