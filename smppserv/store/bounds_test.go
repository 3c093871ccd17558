package store

import (
	"fmt"
	"testing"

	"hnetsmpp/smppserv/sms"
)

func TestConversationsAreCachedUpToABound(t *testing.T) {
	cc := newConversationCache()
	most := 0
	for i := range 2*maxConversations + 1 {
		c := conversation{Client: "admin", Number: sms.Address{Number: fmt.Sprint(33600000000 + i)}, Campaign: sms.Address{Number: "3600"}}
		if !cc.news(c) {
			t.Fatalf("conversation %d is no news", i)
		}
		most = max(most, len(cc.known))
	}
	if most > maxConversations || most < maxConversations/2 {
		t.Errorf("%d conversations are cached, want %d at most", most, maxConversations)
	}
}
