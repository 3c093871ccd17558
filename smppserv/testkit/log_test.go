package testkit

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestALogIsAwaitedByWholeLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Log{}
		go func() {
			for _, part := range []string{"one\ntw", "o words", "\nthree\n"} {
				time.Sleep(time.Second)
				_, _ = io.WriteString(l, part)
			}
		}()
		before := time.Now()
		if line := l.AwaitWords(t, "two", "words"); line != "two words\n" {
			t.Errorf("the line is %q", line)
		}
		if took := time.Since(before); took != 3*time.Second {
			t.Errorf("it came after %v", took)
		}
		if found := l.Lines("o", 2); found != "one\ntwo words\n" {
			t.Errorf("the last lines with an o are %q", found)
		}
	})
}

func TestAConditionIsAwaitedInsideABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(Patience / 2)
		Await(t, "half of the patience is over", func() bool { return !time.Now().Before(end) })
		if late := time.Since(end); late > 20*time.Millisecond {
			t.Errorf("seen %v late", late)
		}
	})
}
