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
	known map[conversationKey]knownConversation
}

type knownConversation struct {
	sms.Conversation
	at int64 // it was written, in milliseconds
}

const (
	// maxConversations bounds the cache to about 20 MB.
	maxConversations = 100_000
	// conversationDay is how old the time of a conversation that goes on becomes: a purge forgets those that do not.
	conversationDay = 24 * time.Hour
)

func newConversationCache() conversationCache {
	return conversationCache{known: map[conversationKey]knownConversation{}}
}

// news tells whether the store does not have c yet, or only as of a day ago, and takes note of it.
func (cc conversationCache) news(c sms.Conversation, now int64) bool {
	k := conversationKey{c.Number.Number, c.Campaign.Number}
	if old, ok := cc.known[k]; ok && old.Conversation == c && now-old.at < conversationDay.Milliseconds() {
		return false
	}
	if len(cc.known) >= maxConversations {
		clear(cc.known)
	}
	cc.known[k] = knownConversation{c, now}
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
