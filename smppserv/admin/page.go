package admin

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// maxRows bounds the sessions on the page; the API lists all.
const maxRows = 200

//go:embed page.html
var pageHTML string

// pageTemplate is never changed once parsed.
var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

type pageData struct {
	Version  string
	Uptime   string
	Now      string
	NotReady string // why, "" = it is ready
	Problems []string
	Queue    []number
	Bound    int
	Total    int
	Sessions []row
	More     int // sessions for which the page has no room
}

type number struct{ Value, Name, Title string }

type row struct {
	adminapi.Session
	Bound bool
	Since string
	For   string
}

// page shows the numbers of now.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, s.pageData(now)); err != nil {
		s.o.Log.Error().Err(err).Msg("cannot write the operator's page")
		http.Error(w, "the page cannot be written; the log tells why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func (s *Server) pageData(now time.Time) pageData {
	q := s.o.Centre.Queue()
	d := pageData{
		Version: s.o.Version, Uptime: duration(now.Sub(s.o.Started)), Now: now.Format(timeFormat),
		Queue: []number{
			{grouped(q.Waiting), "waiting", "messages that are not final, those in flight included"},
			{grouped(q.InFlight), "in flight", "tries under way"},
			{grouped(q.Unwritten), "unwritten", "outcomes on their way to disk"},
			{grouped(q.Lanes), "lanes", "conversations with waiting messages"},
		},
	}
	if err := s.o.Centre.Ready(); err != nil {
		d.NotReady = oneLine(err.Error())
	}
	for _, p := range s.o.Centre.Problems() {
		d.Problems = append(d.Problems, oneLine(p.Text))
	}
	sessions := s.o.Centre.Sessions()
	d.Total = len(sessions)
	for _, session := range sessions {
		r := row{Session: session, Bound: isBound(session.State), Since: session.Since.Local().Format(timeFormat), For: duration(now.Sub(session.Since))}
		if r.Bound {
			d.Bound++
		}
		if len(d.Sessions) < maxRows {
			d.Sessions = append(d.Sessions, r)
		}
	}
	d.More = d.Total - len(d.Sessions)
	return d
}

const timeFormat = "2006-01-02 15:04:05 -07:00"

func isBound(state string) bool {
	return state == "BOUND_TX" || state == "BOUND_RX" || state == "BOUND_TRX"
}

// duration names the two highest units: 3 d 4 h.
func duration(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// grouped writes thousands apart: 12 345, with spaces that do not break.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	if n < 0 {
		return digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}
