package store

import (
	"context"
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
	const moment = 5 * time.Second
	newest, err := w.database.Newest(ctx, lately)
	if newest.After(now) {
		w.wroteAt = milli(newest.Add(moment))
	}
	return err
}

// LastWriter finds who last wrote from number to campaign; ok is false when nobody did.
func (s *Store) LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error) {
	if c, ok, err = s.database.LastWriter(ctx, number, campaign); err != nil {
		err = fmt.Errorf("store: look up a conversation: %w", err)
	}
	return c, ok, err
}

// LastUse finds how the client last wrote number, to whichever campaign.
func (s *Store) LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error) {
	if a, ok, err = s.database.LastUse(ctx, client, number); err != nil {
		err = fmt.Errorf("store: look up a conversation: %w", err)
	}
	return a, ok, err
}
