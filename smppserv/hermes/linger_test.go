package hermes

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// halfClosing is a connection in memory whose direction to the peer can be closed alone.
type halfClosing struct {
	net.Conn
	finished chan struct{}
}

func (c halfClosing) CloseWrite() error {
	close(c.finished)
	return nil
}

func TestWhatAPeerStillSendsAfterOurEndIsReadForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := halfClosing{ours, make(chan struct{})}
		ended := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(ended)
			linger(c)
		}()
		<-c.finished
		for range 3 { // each a reset else, which takes the last answers with it
			if _, err := theirs.Write([]byte(hello + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		<-ended
		if took := time.Since(began); took != lingerTime {
			t.Errorf("it was closed after %v", took)
		}
		if _, err := theirs.Write([]byte("x")); err == nil {
			t.Error("it is still read")
		}
	})
}
