package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

func TestRefusedMessagesGetOneLineASecondThatCountsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := New(Options{ID: 7, Log: zerolog.New(&log)})
		lines := 0
		refuse := func(others int) { // -1 = no line
			t.Helper()
			log.Reset()
			s.LogRefusal(smpp.CmdSubmitSM, smpp.Address{Addr: "491701"}, smpp.Address{Addr: "3600"}, smpp.RINVDSTADR)
			switch {
			case others < 0 && log.Len() > 0:
				t.Fatalf("a line too many: %s", log.String())
			case others >= 0 && !strings.Contains(log.String(), fmt.Sprintf(`"from":"491701","to":"3600","reason":%q,"others_since_last_line":%d,`,
				smpp.RINVDSTADR.Error(), others)):
				t.Fatalf("line %d is %s", lines, log.String())
			}
			lines++
		}
		refuse(0)
		refuse(-1)
		time.Sleep(refusalsEvery - 1)
		refuse(-1)
		time.Sleep(time.Nanosecond)
		refuse(2)
		refuse(-1)
		time.Sleep(time.Hour)
		refuse(1)
		time.Sleep(refusalsEvery)
		refuse(0)
	})
}

func TestARefusalNamesAddressesAsTheyAreRead(t *testing.T) {
	var log bytes.Buffer
	s := New(Options{ID: 7, Log: zerolog.New(&log)})
	s.LogRefusal(smpp.CmdSubmitSM, smpp.Address{Addr: "\xD6sterreich"}, smpp.Address{Addr: "Müller"}, smpp.RINVDSTADR)
	if !strings.Contains(log.String(), `"from":"Österreich","to":"Müller"`) {
		t.Errorf("the line is %s", log.String())
	}
}
