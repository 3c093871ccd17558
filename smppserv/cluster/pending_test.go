package cluster

import (
	"sync/atomic"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

func TestACountOfWhichTheDatabaseMayKnowIsSaidAgain(t *testing.T) {
	r := newRig(t)
	var waiting atomic.Int64
	a := r.join("a", long, whole, func(_ *worker, o *Options) {
		o.Waiting = func() map[string]int {
			if n := waiting.Load(); n > 0 {
				return map[string]int{"acme": int(n)}
			}
			return nil
		}
	})
	b := r.join("b", long)
	r.knows(a, b)
	r.knows(b, a)
	a.cut.loseReply("INSERT INTO pending")
	waiting.Store(10_000)
	testkit.Await(t, "the count is in the database, and its reply is lost", func() bool {
		return r.value(`SELECT waiting FROM pending WHERE owner = 'acme'`) == "10000"
	})
	waiting.Store(0) // as it was when it was said last
	testkit.Await(t, "others hear that nothing waits any more", func() bool {
		return r.value(`SELECT waiting FROM pending WHERE owner = 'acme'`) == "0" && b.Pending("acme") == 0
	})
}
