package admin

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"hnetsmpp/pkg/adminapi"
)

//go:embed openapi.yaml
var openAPI []byte

func (s *Server) openAPI(w http.ResponseWriter, _ asked) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(openAPI)
}

func (s *Server) client(w http.ResponseWriter, r asked) {
	c, err := s.operators.Client(r.Context(), r.PathValue("system_id"))
	s.answerJSON(w, c, err)
}

func (s *Server) handOver(w http.ResponseWriter, r asked) {
	var to struct {
		To string `json:"to"`
	}
	if !s.body(w, r, &to) {
		return
	}
	done, err := s.operators.HandOver(r.Context(), r.by, r.PathValue("system_id"), to.To)
	s.answerJSON(w, done, err)
}

func (s *Server) switchTrace(w http.ResponseWriter, r asked) {
	var to struct {
		On *bool `json:"on"`
	}
	if !s.body(w, r, &to) {
		return
	}
	if to.On == nil {
		s.answerError(w, fmt.Errorf(`%w: the body says {"on":true} or {"on":false}`, adminapi.ErrBadRequest))
		return
	}
	done, err := s.operators.Trace(r.Context(), r.by, r.PathValue("system_id"), *to.On)
	s.answerJSON(w, done, err)
}

// trace is a file that Wireshark opens.
func (s *Server) trace(w http.ResponseWriter, r asked) {
	q := queryOf(r, "texts")
	texts := q.yes("texts")
	if texts && !r.by.Texts {
		q.fault = noTexts(r.by)
	}
	var file bytes.Buffer
	err := q.fault
	if err == nil {
		err = s.operators.WriteTrace(r.Context(), r.by, r.PathValue("system_id"), texts, &file)
	}
	if err != nil {
		s.answerError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pcapng")
	w.Header().Set("Content-Disposition", `attachment; filename="`+FileName(r.PathValue("system_id"))+Incomplete(r.Context())+`.pcapng"`)
	_, _ = file.WriteTo(w)
}

// Incomplete is what the name of a file ends with that lacks something.
func Incomplete(ctx context.Context) string {
	if len(adminapi.Lacks(ctx)) > 0 {
		return "-incomplete"
	}
	return ""
}

// FileName keeps of a name what every system takes in the name of a file.
func FileName(name string) string {
	safe := []byte(name)
	for i, c := range safe {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-') {
			safe[i] = '_'
		}
	}
	return string(safe)
}

func (s *Server) erase(w http.ResponseWriter, r asked) {
	var what struct {
		Number string `json:"number"`
	}
	if !s.body(w, r, &what) {
		return
	}
	done, err := s.operators.Erase(r.Context(), r.by, what.Number)
	s.answerJSON(w, done, err)
}

func noTexts(by Actor) error {
	if !by.Known() {
		return fmt.Errorf("%w: texts are for a user of admin.users with texts = true, or the commands of this machine run by its administrator", adminapi.ErrForbidden)
	}
	return fmt.Errorf("%w: the user %s has no texts = true", adminapi.ErrForbidden, by.Name)
}

func (s *Server) unbind(w http.ResponseWriter, r asked) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		s.answerError(w, fmt.Errorf("%w: %.40q is no session", adminapi.ErrNotFound, r.PathValue("id")))
		return
	}
	q := queryOf(r, "node")
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	if _, err := s.operators.Unbind(r.Context(), r.by, q.Get("node"), id); err != nil {
		s.answerError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// searchOf reads the query of GET /messages.
func searchOf(q *query) adminapi.Search {
	return adminapi.Search{
		Client: q.Get("client"), Number: q.Get("number"), Campaign: q.Get("campaign"),
		State:     q.of("state", adminapi.States...),
		Direction: q.of("direction", "in", "out"), Kind: q.of("kind", "text", "receipt"),
		From: q.moment("from"), To: q.moment("to"), Limit: q.limit(adminapi.MaxLimit), Cursor: q.Get("cursor"),
	}
}

func (s *Server) search(w http.ResponseWriter, r asked) {
	q := queryOf(r, "client", "number", "campaign", "state", "direction", "kind", "from", "to", "limit", "cursor")
	search := searchOf(q)
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	page, err := s.operators.Messages(r.Context(), search)
	s.answerJSON(w, page, err)
}

func (s *Server) message(w http.ResponseWriter, r asked) {
	q := queryOf(r, "text")
	text := q.yes("text")
	if text && !r.by.Texts {
		q.fault = noTexts(r.by)
	}
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	m, err := s.operators.Message(r.Context(), r.by, r.PathValue("id"), text)
	s.answerJSON(w, m, err)
}

// refusals are how HTTP says the codes of the TCP port.
var refusals = map[string]int{
	"bad_request": http.StatusBadRequest, "unauthorized": http.StatusForbidden, "no_client": http.StatusUnprocessableEntity,
	"queue_full": http.StatusServiceUnavailable, "store_unavailable": http.StatusServiceUnavailable,
}

// submit takes what a line of the TCP port says, and answers in its words.
func (s *Server) submit(w http.ResponseWriter, r asked) {
	line, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		s.problem(w, http.StatusRequestEntityTooLarge, "too large", fmt.Sprintf("a request has at most %d octets", maxBody))
		return
	}
	var flat bytes.Buffer
	if err == nil && json.Compact(&flat, line) == nil { // what is no JSON is told so by the port's own words
		line = flat.Bytes()
	}
	answer, err := s.operators.Submit(r.Context(), r.by, line)
	if err != nil {
		s.answerError(w, err)
		return
	}
	var said struct{ Status, Code, Error string }
	_ = json.Unmarshal(answer, &said)
	if said.Status == "accepted" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
		return
	}
	status := refusals[said.Code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	s.problem(w, status, said.Code, said.Error)
}

func (s *Server) waiting(w http.ResponseWriter, r asked) {
	q := queryOf(r, "by")
	if q.of("by", "recipient"); q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	all, err := s.operators.Waiting(r.Context())
	s.answerJSON(w, all, err)
}

func (s *Server) report(w http.ResponseWriter, r asked) {
	q := queryOf(r, "by", "from", "to", "client", "campaign", "number", "format")
	report := adminapi.ReportQuery{By: cmp.Or(q.of("by", adminapi.ReportsBy...), adminapi.ReportsBy[0]), From: q.moment("from"), To: q.moment("to"),
		Client: q.Get("client"), Campaign: q.Get("campaign"), Number: q.Get("number")}
	format := q.of("format", "json", "csv")
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	rows, err := s.operators.Report(r.Context(), report)
	if err != nil || format != "csv" {
		s.answerJSON(w, rows, err)
		return
	}
	s.answerCSV(w, "report", rows)
}

func (s *Server) series(w http.ResponseWriter, r asked) {
	q := queryOf(r, "span")
	span := cmp.Or(q.of("span", adminapi.Spans...), adminapi.Spans[0])
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	points, err := s.operators.Series(r.Context(), span)
	s.answerJSON(w, points, err)
}

func (s *Server) log(w http.ResponseWriter, r asked) {
	q := queryOf(r, "level", "contains", "limit")
	level, limit := q.of("level", "trace", "debug", "info", "warn", "error"), q.limit(adminapi.MaxLimit)
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	lines, err := s.operators.Log(r.Context(), level, q.Get("contains"), limit)
	s.answerJSON(w, lines, err)
}

func (s *Server) audit(w http.ResponseWriter, r asked) {
	q := queryOf(r, "limit", "cursor")
	limit := q.limit(adminapi.MaxLimit)
	if q.fault != nil {
		s.answerError(w, q.fault)
		return
	}
	page, err := s.operators.Audit(r.Context(), q.Get("cursor"), limit)
	s.answerJSON(w, page, err)
}

func (s *Server) testAlerts(w http.ResponseWriter, r asked) {
	done, err := s.operators.TestAlerts(r.Context(), r.by)
	s.answerJSON(w, done, err)
}
