package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// lookThrough is eldest by a look at each entry of the lane.
func (q *Queue) lookThrough(lr ref, c class, after sms.ID, fits func(status) bool) (eldest ref) {
	q.eachReplaceable(lr, func(r ref, e *entry) {
		if e.class() == c && e.id > after && fits(e.status) && (eldest == 0 || e.id < q.entries.at(eldest).id) {
			eldest = r
		}
	})
	return eldest
}

func TestTheOldestOfALongLaneIsFoundAsByALookAtEach(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			services, submitters := [...]string{"", "CMT", "WAP"}, [...]string{"admin", "other"}
			const n = 3 * longLane
			q := waitingIn(t, rows{n: n, conversations: 1, change: func(i int, m *sms.Message) {
				m.Submitter, m.ServiceType = submitters[dice.IntN(len(submitters))], services[dice.IntN(len(services))]
				if dice.IntN(4) == 0 {
					m.DueAt = m.DueAt.Add(time.Hour)
				}
			}})
			q.mu.Lock()
			defer q.mu.Unlock()
			lr := q.entries.at(q.byID.find(1)).lane
			next, listed := sms.ID(n+1), 0
			var out []ref // claimed
			for range 4000 {
				id := sms.ID(dice.IntN(int(next))) + 1
				if r := q.byID.find(uint64(id)); r != 0 {
					happen(q, r, dice, &out)
				} else if id >= next || dice.IntN(20) == 0 { // it is new, or comes back
					m := &sms.Message{ID: min(id, next), Submitter: submitters[dice.IntN(len(submitters))], ServiceType: services[dice.IntN(len(services))],
						Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}, ExpiresAt: time.Now().Add(time.Hour)}
					next = max(next, m.ID+1)
					q.takeUp(m, keysOf(m), q.now(), q.now())
				}
				if dice.IntN(3) == 0 && next < 3*n {
					m := &sms.Message{ID: next, Submitter: submitters[dice.IntN(len(submitters))], ServiceType: services[dice.IntN(len(services))],
						Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}, ExpiresAt: time.Now().Add(time.Hour)}
					next++
					q.parties.get(m.Owner()).pending++
					q.enter(m, keysOf(m), q.now(), q.now(), false)
				}
				c := class{q.parties.get(submitters[dice.IntN(len(submitters))]).number, serviceHash(services[dice.IntN(len(services))])}
				after := sms.ID(dice.IntN(2) * dice.IntN(int(next)))
				for name, fits := range map[string]func(status) bool{"waiting": isWaiting, "tried": isTried, "either": func(s status) bool { return isWaiting(s) || isTried(s) }} {
					if got, want := q.eldest(lr, c, after, fits), q.lookThrough(lr, c, after, fits); got != want {
						t.Fatalf("%s above %d: got %d, want %d", name, after, got, want)
					}
				}
				if s := q.seniorities[lr]; s != nil {
					listed++
					if most := 2 * (int(q.lanes.at(lr).size) + longLane); s.n > most {
						t.Fatalf("%d are listed, want no more than %d", s.n, most)
					}
				}
			}
			if listed == 0 {
				t.Error("the lane was never long")
			}
		})
	}
}

func TestWhatALongLaneListsIsForgottenWithItsMessages(t *testing.T) {
	const n = 8 * longLane
	q := waitingIn(t, rows{n: n, conversations: 1})
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries.at(q.byID.find(1))
	lr, c := e.lane, class{e.party, e.service}
	away := func(id sms.ID) {
		r := q.byID.find(uint64(id))
		owner := q.owner(q.entries.at(r))
		q.leave(r)
		q.uncount(owner)
		q.forget(r)
	}
	q.eldest(lr, c, 0, isWaiting)
	for id := sms.ID(2); id < n; id++ { // the oldest one stays
		if away(id); int(q.lanes.at(lr).size) == longLane {
			break
		}
	}
	m := &sms.Message{ID: n + 1, Submitter: "admin", Source: sms.Address{Number: "33600000000"}, Dest: sms.Address{Number: "3600"}}
	q.enter(m, keysOf(m), q.now(), q.now(), false)
	if q.eldest(lr, c, 1, isWaiting); q.seniorities[lr].n != longLane+1 {
		t.Errorf("%d are listed of %d", q.seniorities[lr].n, longLane+1)
	}
	for id := sms.ID(n + 1); q.lanes.at(lr).size > 1; id-- {
		away(id)
		if got := q.eldest(lr, c, 0, isWaiting); got != q.byID.find(1) {
			t.Fatalf("with %d left: got %d", q.lanes.at(lr).size, got)
		}
	}
	if len(q.seniorities) != 0 {
		t.Error("a lane of one message lists it")
	}
}

// happen does something with an entry that may happen to it, and gives one of those that are out of every list back.
func happen(q *Queue, r ref, dice *rand.Rand, out *[]ref) {
	e := q.entries.at(r)
	switch what := dice.IntN(10); {
	case e.status == taken && what < 5:
		q.giveBack(r, e)
	case e.status == waiting && what < 2:
		q.take(r, e)
	case (e.status == waiting || e.status == aside) && what < 4:
		q.claimEntry(r, e)
		*out = append(*out, r)
	case e.status == aside && what < 6:
		q.join(r)
	case (e.status == waiting || e.status == taken) && what < 8:
		owner := q.owner(e)
		q.leave(r)
		q.uncount(owner)
		if what < 7 { // else its end is on its way to disk
			q.forget(r)
		}
	}
	if len(*out) > 20 {
		at := dice.IntN(len(*out))
		q.unclaim((*out)[at])
		*out = append((*out)[:at], (*out)[at+1:]...)
	}
}
