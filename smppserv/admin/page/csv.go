package page

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin/words"
)

// maxCSV bounds the messages of one file.
const maxCSV = 100_000

// sheet writes CSV as the Excel of a language opens it: in French with semicolons and decimal commas, and in each with a mark
// that tells UTF-8. A cell that a spreadsheet would take for a formula begins with an apostrophe.
type sheet struct {
	*csv.Writer
	comma bool
}

func newSheet(w io.Writer, l words.Language) (sheet, error) {
	_, err := io.WriteString(w, "\ufeff")
	s := sheet{csv.NewWriter(w), l == words.French}
	s.UseCRLF = true
	if s.comma {
		s.Comma = ';'
	}
	return s, err
}

func (s sheet) row(cells ...any) error {
	row := make([]string, len(cells))
	for i, cell := range cells {
		switch x := cell.(type) {
		case float64:
			row[i] = strconv.FormatFloat(x, 'f', 1, 64)
			if s.comma {
				row[i] = strings.Replace(row[i], ".", ",", 1)
			}
		case int, int64:
			row[i] = fmt.Sprint(x)
		case time.Time:
			if !x.IsZero() {
				row[i] = x.Format("2006-01-02 15:04:05")
			}
		default:
			row[i] = plain(fmt.Sprint(x))
		}
	}
	return s.Write(row)
}

// plain takes the meaning of a formula from a cell, and line ends and what cannot be seen out of it.
func plain(cell string) string {
	cell = string(inert([]byte(strings.NewReplacer("\r", " ", "\n", " ", "\t", " ").Replace(cell))))
	if cell != "" && strings.ContainsRune("=+-@|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func attach(w http.ResponseWriter, name, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// csvLanguage is the reader's, or the one that is asked for.
func csvLanguage(v *view) words.Language {
	return words.Choose(v.r.URL.Query().Get("format"), string(v.Lang))
}

// messagesCSV is all that a search finds, up to maxCSV.
func (p *page) messagesCSV(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	if v.Actor.Role < adminapi.Viewer {
		v.toLogin(w)
		return
	}
	s, err := searchOf(v)
	if err != nil {
		p.fail(w, v, err)
		return
	}
	s.Limit = adminapi.MaxLimit
	found, err := p.look(r.Context(), s)
	if err != nil {
		p.fail(w, v, err)
		return
	}
	attach(w, "messages-"+v.Now.Format(time.DateOnly)+".csv", "text/csv; charset=utf-8")
	if err := p.writeMessages(r.Context(), w, v, s, found); err != nil {
		p.o.Log.Warn().Err(err).Msg("a list of messages was cut short")
		panic(http.ErrAbortHandler) // the browser is told that the file is not whole
	}
}

func (p *page) look(ctx context.Context, s adminapi.Search) (adminapi.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, viewTime)
	defer cancel()
	return p.o.Operators.Messages(ctx, s)
}

func (p *page) writeMessages(ctx context.Context, w io.Writer, v *view, s adminapi.Search, found adminapi.Page) error {
	b := bufio.NewWriter(w)
	t, err := newSheet(b, csvLanguage(v))
	if err != nil {
		return err
	}
	if err := t.row(v.T("Message"), v.T("Kind"), v.T("Accepted"), v.T("Direction"), v.T("From"), v.T("To"), v.T("Submitter"), v.T("Recipient"),
		v.T("State"), v.T("Reason"), v.T("Tries"), v.T("Final")); err != nil {
		return err
	}
	for n := 0; ; {
		for _, m := range found.Messages {
			if err := t.row(m.ID, v.Name(m.Kind), m.Received.In(v.Zone), v.Name(m.Direction), m.From, m.To, v.Party(m.Submitter), v.Party(m.Recipient),
				v.Name(m.State), v.Say(m.Reason), m.Tries, final(m, v)); err != nil {
				return err
			}
		}
		n += len(found.Messages)
		t.Flush()
		if found.Next == "" || n >= maxCSV {
			break
		}
		s.Cursor = found.Next
		if found, err = p.look(ctx, s); err != nil {
			return err
		}
	}
	t.Flush()
	if err := t.Error(); err != nil {
		return err
	}
	return b.Flush()
}

func final(m adminapi.Message, v *view) any {
	if m.Final.IsZero() {
		return ""
	}
	return m.Final.In(v.Zone)
}

func (p *page) reportCSV(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	if v.Actor.Role < adminapi.Viewer {
		v.toLogin(w)
		return
	}
	d, err := reportOf(v)
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), viewTime)
		defer cancel()
		d.Report, err = p.o.Operators.Report(ctx, d.Query)
	}
	if err != nil {
		p.fail(w, v, err)
		return
	}
	attach(w, "report-"+d.Query.By+"-"+d.From+".csv", "text/csv; charset=utf-8")
	if err := writeReport(w, v, d); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func writeReport(w io.Writer, v *view, d reportsData) error {
	t, err := newSheet(w, csvLanguage(v))
	if err != nil {
		return err
	}
	if err := t.row(v.Sentence(byTexts[d.Query.By]), v.T("Received"), v.T("To Hermès"), v.T("To clients"), v.T("Failed"), v.T("Cancelled"),
		v.T("Receipts"), v.T("Parts"), v.T("Median (ms)"), v.T("99 % (ms)"), v.T("Reasons of failure")); err != nil {
		return err
	}
	rows := append(append([]adminapi.ReportRow{}, d.Report.Rows...), d.Report.Sum)
	for i, row := range rows {
		key := d.Key(v, row.Key)
		if i == len(rows)-1 {
			key = v.T("Total")
		}
		var reasons []string
		for _, r := range v.Reasons(row) {
			reasons = append(reasons, fmt.Sprintf("%s: %d", r.Name, r.N))
		}
		if err := t.row(key, row.Received, row.Pushed, row.Delivered, row.Failed, row.Deleted, row.Receipts, row.Parts, row.Median, row.P99,
			strings.Join(reasons, ", ")); err != nil {
			return err
		}
	}
	t.Flush()
	return t.Error()
}
