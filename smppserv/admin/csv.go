package admin

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hnetsmpp/pkg/adminapi"
)

// answerCSV answers with a report as RFC 4180 has it: for programs. The page makes those for spreadsheets.
func (s *Server) answerCSV(w http.ResponseWriter, name string, r adminapi.Report) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+"-"+r.By+`.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{r.By, "received", "pushed", "delivered", "failed", "deleted", "receipts", "parts", "median_ms", "p99_ms", "reasons"})
	for _, row := range r.Rows {
		fields := []string{inert(row.Key)}
		for _, n := range [...]int64{row.Received, row.Pushed, row.Delivered, row.Failed, row.Deleted, row.Receipts, row.Parts} {
			fields = append(fields, strconv.FormatInt(n, 10))
		}
		for _, ms := range [...]float64{row.Median, row.P99} {
			fields = append(fields, strconv.FormatFloat(ms, 'f', -1, 64))
		}
		var reasons []string
		for reason, n := range row.Reasons {
			reasons = append(reasons, reason+"="+strconv.FormatInt(n, 10))
		}
		slices.Sort(reasons)
		_ = out.Write(append(fields, strings.Join(reasons, "; ")))
	}
	out.Flush()
}

// inert keeps a spreadsheet from taking what a stranger wrote for a formula.
func inert(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
