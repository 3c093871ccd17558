package admin

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

func TestThePageShowsVersionUptimeSessionsAndQueue(t *testing.T) {
	url := start(t, Options{Version: "1.2.3", Started: time.Now().Add(-25*time.Hour - time.Minute), Centre: &fake{sessions: func() []adminapi.Session {
		return []adminapi.Session{
			{ID: 7, SystemID: "admin", State: "BOUND_TRX", Remote: "192.0.2.1:4000", Version: "3.4", Since: time.Now().Add(-90*time.Minute - 30*time.Second)},
			{ID: 8, State: "OPEN", Remote: "192.0.2.2:4001", Since: time.Now()},
		}
	}, queue: func() sms.QueueStats { return sms.QueueStats{Waiting: 1234567, InFlight: 12} }}})
	resp, body := ask(t, "GET", url+"/")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	for _, want := range []string{"version 1.2.3", "up 1 d 1 h", ">ready<", "1\u202f234\u202f567", "<dd>12</dd>", "1 bound, 2 in all",
		"admin", "BOUND_TRX", "192.0.2.1:4000", "1 h 30 min", "192.0.2.2:4001"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestThePageTellsWhyItIsNotReady(t *testing.T) {
	url := start(t, Options{Centre: &fake{ready: func() error { return errors.New("the store is not available") }}})
	if _, body := ask(t, "GET", url+"/"); !strings.Contains(body, ">not ready<") || !strings.Contains(body, "the store is not available") {
		t.Errorf("got %s", body)
	}
}

func TestThePageHasALineForEachProblem(t *testing.T) {
	url := start(t, Options{Centre: &fake{problems: []Problem{{Text: "1 message waits for <bob> in vain"}, {Text: "2 messages wait for carol in vain"}}}})
	_, body := ask(t, "GET", url+"/")
	for _, want := range []string{">ready<", "1 message waits for &lt;bob&gt; in vain", "2 messages wait for carol in vain"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestAClientsNameCannotWriteIntoThePage(t *testing.T) {
	url := start(t, Options{Centre: &fake{sessions: func() []adminapi.Session {
		return []adminapi.Session{{ID: 1, SystemID: "<script>x</script>", State: "OPEN"}}
	}}})
	if _, body := ask(t, "GET", url+"/"); strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error("the name is not escaped")
	}
}

func TestThePageLoadsNothingAndRunsNothing(t *testing.T) {
	_, body := ask(t, "GET", start(t, Options{})+"/")
	if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|\ssrc=|@import|url\(|\son\w+=|https?://`).FindString(body); found != "" {
		t.Errorf("it holds %s", found)
	}
}

func TestThePageIsWellFormed(t *testing.T) {
	for _, sessions := range []int{0, 2, maxRows + 1} {
		url := start(t, Options{Centre: &fake{ready: func() error { return errors.New("why <not>") }, sessions: func() []adminapi.Session { return make([]adminapi.Session, sessions) }}})
		_, body := ask(t, "GET", url+"/")
		d := xml.NewDecoder(strings.NewReader(body))
		d.Entity = xml.HTMLEntity
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%d sessions: %v", sessions, err)
			}
		}
	}
}

func TestThePageStaysSmallWithManySessions(t *testing.T) {
	url := start(t, Options{Centre: &fake{sessions: func() []adminapi.Session { return make([]adminapi.Session, maxRows+50) }}})
	_, body := ask(t, "GET", url+"/")
	if rows := strings.Count(body, "<tr><td>"); rows != maxRows || !strings.Contains(body, "50 more") {
		t.Errorf("%d rows", rows)
	}
}

func TestDurationsNameTheirTwoHighestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", time.Hour: "1 h 0 min", 51*time.Hour + time.Minute: "2 d 3 h",
	} {
		if got := duration(d); got != want {
			t.Errorf("%d: got %s", d, got)
		}
	}
}

func TestThousandsStandApart(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567"} {
		if got := grouped(n); got != strings.ReplaceAll(want, " ", "\u202f") {
			t.Error(fmt.Sprint(n, ": got ", got))
		}
	}
}
