package postgres

import (
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

func TestAPartThatEndsBeforeItIsHandedOnIsForgotten(t *testing.T) {
	p := parted{away: map[sms.ID]begun{}, leaving: map[sms.ID]begun{1: {}, 2: {}, 3: {}}}
	p.wrote(&store.Batch{})
	p.leaving = nil
	p.wrote(&store.Batch{Ended: []*road.Transition{{IDs: []sms.ID{1, 7}}}, HandedOn: []store.Handed{{IDs: []sms.ID{2}, To: 5}}})
	if _, ok := p.away[3]; !ok || len(p.away) != 1 {
		t.Errorf("on their way are %v", p.away)
	}
}
