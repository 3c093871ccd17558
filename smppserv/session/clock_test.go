package session

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAPeerThatAnswersEnquireLinkAtOnceStaysBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &script{rest: []byte("22000001")}
		o, tr := c.options()
		tr.t, tr.o = t, o
		tr.start()
		for _, do := range []string{"pX1", "e"} {
			c.rest = []byte(do)
			tr.step(c, c.next())
			synctest.Wait()
		}
		for range 100 {
			time.Sleep(time.Second)
			synctest.Wait()
			tr.check()
		}
		if st := tr.s.State(); st != BoundTRX {
			t.Errorf("%v because of %v", st, tr.s.reason)
		}
		tr.end(1)
	})
}
