package postgres_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestTheDocumentedQueriesWork(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	o := options(pg.Database(t), t.TempDir())
	s := must(t, o)
	m := storetest.Sample()
	storetest.Add(t, s, m)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var pages [2][]string
	for i, page := range []string{"../../../docs/database.md", "../../../docs/fr/database.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range regexp.MustCompile("(?s)```postgresql\n(.*?);\n```").FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r\n", "\n"), -1) {
			pages[i] = append(pages[i], q[1])
		}
	}
	if len(pages[0]) == 0 || strings.Join(pages[0], ";") != strings.Join(pages[1], ";") {
		t.Fatalf("the queries of the two pages differ, or there are none: %d, %d", len(pages[0]), len(pages[1]))
	}
	for i, query := range pages[0] {
		rows := pg.Value(t, testkit.DatabaseName(t, o.DSN), "SELECT count(*) FROM ("+query+") q")
		if want := map[bool]string{true: "0", false: "1"}[strings.Contains(query, "nodes")]; rows != want {
			t.Errorf("query %d finds %s rows, want %s", i+1, rows, want)
		}
	}
}
