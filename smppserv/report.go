package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type reportCommand struct {
	Asking
	By       string `enum:"campaign,client,number,day,hour" default:"campaign" help:"A row for each campaign, client, number, day or hour."`
	From     when   `placeholder:"TIME" help:"From then on, as messages --from takes it. Default: today; of --by day the last 30 days."`
	To       when   `placeholder:"TIME" help:"Before then. Default: now."`
	Client   string `help:"Of this client alone."`
	Campaign string `help:"Of this campaign alone."`
	Number   string `help:"With --by number: of this number."`
	CSV      bool   `name:"csv" xor:"form" help:"As a file that a spreadsheet opens, on the standard output."`
}

// Run counts the messages of a period.
func (k reportCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	if k.CSV && k.JSON {
		return &commandline.Error{Code: commandline.ExitUsage, Err: errors.New("--csv and --json: one of them")}
	}
	q := adminapi.ReportQuery{By: k.By, From: k.From.Time, To: k.To.Time, Client: k.Client, Campaign: k.Campaign, Number: k.Number}
	if q.From.IsZero() {
		now := time.Now()
		q.From, _ = readWhen("today", now)
		if k.By == "day" {
			q.From = q.From.AddDate(0, 0, -29)
		}
		if !q.To.IsZero() && !q.To.After(q.From) {
			return &commandline.Error{Code: commandline.ExitUsage, Err: errors.New("--to is before today: say with --from where the period begins")}
		}
	}
	if k.CSV {
		return k.csv(ctx, line, c, q)
	}
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Report, error) { return r.Report(ctx, q) }, sayReport)
}

func (k reportCommand) csv(ctx context.Context, line *commandLine, c *commandline.Console, q adminapi.ReportQuery) error {
	s, err := k.find(ctx, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.patiently(ctx, func() string { return "counting" }, func(ctx context.Context) error {
		content, err := s.ReportFile(ctx, q)
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = io.Copy(c.Stdout, content)
		return err
	})
}

func sayReport(s *server, r adminapi.Report) error {
	t := table.New(table.Column{Name: strings.ToUpper(r.By)}, table.Column{Name: "RECEIVED", Right: true}, table.Column{Name: "PUSHED", Right: true}, table.Column{Name: "DELIVERED", Right: true},
		table.Column{Name: "FAILED", Right: true}, table.Column{Name: "DELETED", Right: true}, table.Column{Name: "PARTS", Right: true}, table.Column{Name: "RECEIPTS", Right: true},
		table.Column{Name: "MEDIAN", Right: true}, table.Column{Name: "P99", Right: true}, table.Column{Name: "FAILED BY", Flexible: true})
	add := func(key string, row adminapi.ReportRow) {
		median, p99 := "", ""
		if row.P99 > 0 {
			median, p99 = milliseconds(row.Median), milliseconds(row.P99)
		}
		t.Add(key, number(row.Received), number(row.Pushed), number(row.Delivered), number(row.Failed), number(row.Deleted), number(row.Parts), number(row.Receipts), median, p99, reasons(row.Reasons))
	}
	for _, row := range r.Rows {
		add(row.Key, row)
	}
	if len(r.Rows) > 1 {
		add("all", r.Sum)
	}
	err := s.show(t, "there was no message")
	if err == nil && !r.From.IsZero() {
		to := r.To
		if to.IsZero() {
			to = time.Now()
		}
		fmt.Fprintln(s.Stdout)
		err = s.say("%s to %s", r.From.Local().Format(time.DateTime), to.Local().Format(time.DateTime))
	}
	return err
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// reasons names the failures, the most frequent first.
func reasons(all map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if all[a] != all[b] {
			return int(all[b] - all[a])
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, all[name])
	}
	return strings.Join(names, ", ")
}
