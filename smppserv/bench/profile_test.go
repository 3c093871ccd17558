package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatPerfReportsIsReadWithoutWhatAllTimePassesThrough(t *testing.T) {
	got := sharesOf(`
    88.12%     0.00%  [.] runtime.goexit.abi0
    55.56%     0.02%  [.] hnetsmpp/smppserv/store.(*Store).commitLoop                    -      -            
    55.50%     0.00%  [.] hnetsmpp/smppserv/store.(*Store).write
    40.10%     0.00%  [.] hnetsmpp/smppserv/store.New.gowrap1
    30.01%     0.00%  [k] do_syscall_64
    18.30%     0.10%  [k] __x64_sys_fdatasync
    13.60%     1.10%  [.] runtime.findRunnable
     2.99%     0.00%  [.] hnetsmpp/smppserv/session.(*Session).write
not a line of the report
`)
	want := []share{{55.56, "hnetsmpp/smppserv/store.(*Store).commitLoop"}, {18.3, "fdatasync"}, {13.6, "runtime.findRunnable"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	p := profile{row: row{name: "window-10", what: "one session"}, server: 1.21, all: 1.87, shares: got}
	for _, said := range []string{"window-10 (one session): the server had 1.21 of ", "all programs together 1.87", "    55.6 %  store.(*Store).commitLoop\n"} {
		if !strings.Contains(p.String(), said) {
			t.Errorf("%q is not in:\n%s", said, p.String())
		}
	}
}

func TestOnlyRowsThatFallShortAreExplainedAndWithoutPerfThatIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b := smallBench(t)
	measured := func(name string, value float64) result {
		f := figure{what: name, unit: ms, limit: most, goal: 10}
		return result{row: row{name: name, what: name, figures: []figure{f}}, figures: []measured{{figure: f, value: value}}}
	}
	got := b.explain([]result{measured("reached", 9), measured("missed", 11), {row: row{name: "failed"}, err: skipped("no luck")}})
	if len(got) != 1 || got[0].row.name != "missed" || !strings.Contains(got[0].String(), "apt-get install linux-perf") {
		t.Errorf("%v", got)
	}
	b.profiles = got
	if page := b.page(nil); !strings.Contains(page, "## Profiles of what is not reached\n") || !strings.Contains(page, "missed (missed): no profile") {
		t.Errorf("the page does not have it:\n%s", page)
	}
}
