package metrics

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

var write = flag.Bool("write", false, "write docs/metrics.md anew")

const page = "../../../docs/metrics.md"

// documented is the page as the table says it.
func documented() string {
	var b strings.Builder
	fmt.Fprint(&b, `# Metrics

What Prometheus reads at `+"`/metrics`"+` of the operators' port. A name, its unit and its labels stay as they are once they were in a
version. Times are in seconds, sizes in octets (bytes). A client is named only if config.toml has it. Besides these there are those of
Go (`+"`go_…`"+`) and of the process (`+"`process_…`"+`). How to have them read, a dashboard and alert rules: [monitoring](monitoring.md).

This page is written from the program: `+"`go test ./smppserv/admin/metrics -run Documented -write`"+`.

| metric | type | labels | what it is |
|---|---|---|---|
`)
	for _, m := range table() {
		labels := make([]string, 0, len(m.labels))
		for _, l := range m.labels {
			labels = append(labels, "`"+l+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.full(), m.typ, strings.Join(labels, ", "), m.help)
	}
	return b.String()
}

func TestTheMetricsAreDocumented(t *testing.T) {
	if *write {
		if err := os.WriteFile(page, []byte(documented()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != documented() {
		t.Error("docs/metrics.md is not as the table of metrics says; write it anew: go test ./smppserv/admin/metrics -run Documented -write")
	}
}

// What is read is what the table says: every metric, its type, its help and its labels.
func TestTheRegistryHasWhatTheTableSays(t *testing.T) {
	c := NewCounters()
	c.Clients([]string{"acme"})
	c.Accepted(&sms.Message{Submitter: "acme"})
	c.Pushed(200, time.Second)
	c.Refused(smpp.CmdSubmitSM, smpp.RSYSERR)
	families, err := newRegistry(options(c)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]metric{}
	for _, m := range table() {
		if _, twice := want[m.full()]; twice || !strings.HasSuffix(m.help, ".") {
			t.Errorf("%s: it is there twice, or its help is no sentence", m.name)
		}
		if (m.typ == counter) != strings.HasSuffix(m.name, "_total") {
			t.Errorf("%s is a %s", m.name, m.typ)
		}
		want[m.full()] = m
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), namespace+"_") {
			continue
		}
		m, known := want[f.GetName()]
		if !known {
			t.Errorf("%s is not in the table", f.GetName())
			continue
		}
		delete(want, f.GetName())
		if got := strings.ToLower(f.GetType().String()); got != string(m.typ) || f.GetHelp() != m.help {
			t.Errorf("%s: a %s, %q", f.GetName(), got, f.GetHelp())
		}
		for _, one := range f.GetMetric() {
			var labels []string
			for _, l := range one.GetLabel() {
				labels = append(labels, l.GetName())
			}
			if expected := slices.Sorted(slices.Values(m.labels)); !slices.Equal(labels, expected) {
				t.Errorf("%s: labels %q, want %q", f.GetName(), labels, expected)
			}
		}
	}
	for name := range want {
		t.Errorf("%s is in the table, and nothing is read of it", name)
	}
}
