package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

const (
	rules     = "../../../docs/alert-rules.yml"
	dashboard = "../../../docs/grafana-dashboard.json"
)

// promtool has Prometheus' own tool judge a file.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path := testkit.Peer(t, "promtool", "apt-get install --no-install-recommends prometheus (its service need not run)")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var ours = regexp.MustCompile(`hnetsmpp_\w+`)

// wantKnown wants each metric of ours that a text names to be in the table.
func wantKnown(t *testing.T, file, text string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range table() {
		known[m.full()] = true
		if m.typ == histogram {
			known[m.full()+"_bucket"], known[m.full()+"_sum"], known[m.full()+"_count"] = true, true, true
		}
	}
	names := ours.FindAllString(text, -1)
	if len(names) < 10 {
		t.Errorf("%s names %d metrics", file, len(names))
	}
	for _, name := range names {
		if !known[name] {
			t.Errorf("%s names %s, which there is not", file, name)
		}
	}
}

func TestTheAlertRulesAreGoodAndNameWhatThereIs(t *testing.T) {
	wantKnown(t, rules, read(t, rules))
	promtool(t, "check", "rules", rules)
}

// The rules fire for what they are meant for, and for nothing else.
func TestTheAlertRulesFireWhenTheyShould(t *testing.T) {
	absolute, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%q]\nevaluation_interval: 1m\ntests:\n", absolute)
	for _, c := range []struct{ alert, series, labels string }{
		{"SmppservDown", `up{job="smppserv",instance="a"}: 0x60`, "job: smppserv, instance: a, severity: critical"},
		{"SmppservNotReady", `hnetsmpp_ready{instance="a"}: 0x60`, "instance: a, severity: critical"},
		{"HermesSilent", `hnetsmpp_hermes_up{instance="a"}: 0x60`, "instance: a, severity: critical"},
		{"HermesSilent", `hnetsmpp_hermes_up{instance="a"}: 1x60`, ""},
		{"OldestMessageWaits", `hnetsmpp_oldest_waiting_seconds{instance="a",recipient="hermes"}: 0+60x60`, "instance: a, recipient: hermes, severity: warning"},
		{"LeaseLost", `hnetsmpp_lease_held{instance="a"}: 0x60`, "instance: a, severity: critical"},
		{"LeaseLost", `hnetsmpp_lease_held{instance="a"}: 1x60`, ""},
		{"NobodyLeads", `hnetsmpp_leader{instance="a",job="smppserv"}: 0x60; hnetsmpp_leader{instance="b",job="smppserv"}: 0x60`, "job: smppserv, severity: warning"},
		{"NobodyLeads", `hnetsmpp_leader{instance="a",job="smppserv"}: 0x60; hnetsmpp_leader{instance="b",job="smppserv"}: 1x60`, ""},
		{"ClientUnboundWithMessages", `hnetsmpp_client_sessions{instance="a",job="smppserv",client="acme"}: 0x60; ` +
			`hnetsmpp_client_sessions{instance="b",job="smppserv",client="acme"}: 0x60; hnetsmpp_waiting{instance="a",job="smppserv",recipient="acme",kind="receipt"}: 3x60`,
			"job: smppserv, client: acme, severity: warning"},
		{"ClientUnboundWithMessages", `hnetsmpp_client_sessions{instance="a",job="smppserv",client="acme"}: 0x60; ` + // it is bound at the other one
			`hnetsmpp_client_sessions{instance="b",job="smppserv",client="acme"}: 1x60; hnetsmpp_waiting{instance="a",job="smppserv",recipient="acme",kind="receipt"}: 3x60`, ""},
		{"QueueGrows", `hnetsmpp_queue_waiting{instance="a"}: 60000+100x60`, "instance: a, severity: warning"},
		{"QueueGrows", `hnetsmpp_queue_waiting{instance="a"}: 90000-100x60`, ""},
		{"DiskFills", `hnetsmpp_disk_free_bytes{instance="a"}: 1000000000x60`, "instance: a, severity: warning"},
		{"DiskFills", `hnetsmpp_disk_free_bytes{instance="a"}: 100000000000x60`, ""},
		{"MessagesFail", `hnetsmpp_messages_failed_total{instance="a",kind="text"}: 0+6x60; hnetsmpp_messages_accepted_total{instance="a"}: 0+60x60`, "instance: a, severity: warning"},
		{"MessagesFail", `hnetsmpp_messages_failed_total{instance="a",kind="text"}: 0+1x60; hnetsmpp_messages_accepted_total{instance="a"}: 0+60x60`, ""},
		{"BindsAreRefused", `hnetsmpp_binds_refused_total{instance="a",reason="RINVPASWD"}: 0+60x60`, "instance: a, reason: RINVPASWD, severity: warning"},
		{"ConfigRefused", `hnetsmpp_config_last_reload_successful{instance="a"}: 0x60`, "instance: a, severity: warning"},
		{"CommitsAreSlow", `hnetsmpp_commit_duration_seconds_bucket{instance="a",le="1"}: 0x60; hnetsmpp_commit_duration_seconds_bucket{instance="a",le="5"}: 0+10x60; ` +
			`hnetsmpp_commit_duration_seconds_bucket{instance="a",le="+Inf"}: 0+10x60`, "instance: a, severity: warning"},
	} {
		fmt.Fprint(&b, "  - interval: 1m\n    input_series:\n")
		for series := range strings.SplitSeq(c.series, "; ") {
			name, values, _ := strings.Cut(series, "}: ")
			fmt.Fprintf(&b, "      - series: '%s}'\n        values: '%s'\n", name, values)
		}
		fmt.Fprintf(&b, "    alert_rule_test:\n      - eval_time: 45m\n        alertname: %s\n        exp_alerts:\n", c.alert)
		if c.labels == "" {
			continue
		}
		fmt.Fprintf(&b, "          - exp_labels: {%s}\n", c.labels)
		annotations := read(t, rules)
		_, annotations, _ = strings.Cut(annotations, "alert: "+c.alert+"\n")
		_, annotations, _ = strings.Cut(annotations, "annotations:\n")
		annotations, _, _ = strings.Cut(annotations, "      - alert:")
		fmt.Fprint(&b, "            exp_annotations:\n")
		for line := range strings.Lines(annotations) {
			fmt.Fprint(&b, "      ", rendered(line))
		}
	}
	file := filepath.Join(t.TempDir(), "rules_test.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", file)
}

// rendered is what a line of annotations says of the values above.
func rendered(line string) string {
	return strings.NewReplacer("{{ $labels.instance }}", "a", "{{ $labels.client }}", "acme", "{{ $labels.reason }}", "RINVPASWD",
		"{{ $value | humanizeDuration }}", "45m 0s", "{{ $value | humanize1024 }}", "953.7Mi", "{{ $value }}", "64500").Replace(line)
}

func TestTheDashboardNamesWhatThereIs(t *testing.T) {
	text := read(t, dashboard)
	wantKnown(t, dashboard, text)
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprint(&b, "groups:\n  - name: dashboard\n    rules:\n")
	seen := map[int]bool{}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
	for _, p := range board.Panels {
		if seen[p.ID] || p.Title == "" || (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %d, %q: %d queries", p.ID, p.Title, len(p.Targets))
		}
		seen[p.ID] = true
		for i, target := range p.Targets {
			fmt.Fprintf(&b, "      - record: panel%d_%d\n        expr: %q\n", p.ID, i, variables.Replace(target.Expr))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml") // promtool judges queries where they are rules
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
