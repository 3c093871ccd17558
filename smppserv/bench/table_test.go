package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestMediansAreOfRatiosToo(t *testing.T) {
	f := figure{unit: perSecond, limit: ratioLeast, goal: 0.5}
	m := summary(f, []value{{10, 100}, {60, 100}, {90, 200}})
	if m.value != 60 || m.yardstick != 100 || m.ratio != 0.45 {
		t.Errorf("medians are %+v", m)
	}
	if even := median([]float64{4, 1, 3, 2}); even != 2.5 {
		t.Errorf("the median of four is %g", even)
	}
	if m := summary(f, []value{{notMeasured, 0}}); m.value != notMeasured || m.ratio != 0 {
		t.Errorf("what was not measured gives %+v", m)
	}
}

func TestAGoalIsReachedOrNotOrNotKnown(t *testing.T) {
	for _, c := range []struct {
		limit          kind
		goal           float64
		values         value
		reached, known bool
	}{
		{ratioLeast, 0.9, value{90, 100}, true, true},
		{ratioLeast, 0.9, value{89, 100}, false, true},
		{ratioMost, 1.5, value{15, 10}, true, true},
		{ratioMost, 1.5, value{16, 10}, false, true},
		{most, 250, value{250, 0}, true, true},
		{most, 250, value{251, 0}, false, true},
		{least, 2000, value{2000, 0}, true, true},
		{least, 2000, value{1999, 0}, false, true},
		{most, 250, value{notMeasured, 0}, false, false},
		{ratioLeast, 0.9, value{90, 0}, false, false},
		{noGoal, 0, value{1, 1}, false, false},
	} {
		m := summary(figure{limit: c.limit, goal: c.goal}, []value{c.values})
		if reached, known := m.reached(); reached != c.reached || known != c.known {
			t.Errorf("%+v: reached %t, known %t", c, reached, known)
		}
	}
}

func TestValuesAreWrittenWithThreeDigits(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{{31234.5, "31 234 ms"}, {1234567, "1 234 567 ms"}, {999, "999 ms"}, {12.345, "12.3 ms"}, {1.5, "1.50 ms"}, {0.12345, "0.123 ms"}, {0, "0 ms"},
		{-12345, "-12 345 ms"}, {notMeasured, "not measured"}} {
		if got := (figure{unit: ms}).write(c.v); got != c.want {
			t.Errorf("%g is written %q, want %q", c.v, got, c.want)
		}
	}
}

func TestEachRowHasANameAWordAndFigures(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.name == "" || r.what == "" || r.run == nil || len(r.figures) == 0 || seen[r.name] {
			t.Errorf("row %q is not complete, or there twice", r.name)
		}
		seen[r.name] = true
		for _, f := range r.figures {
			if (f.limit == ratioLeast || f.limit == ratioMost) && r.load == nil && f.beside == "" {
				t.Errorf("row %q: what is %q a ratio to?", r.name, f.what)
			}
		}
	}
}

func TestTheReferenceIsOfEachRowBesideTheYardstickAndNoOther(t *testing.T) {
	var reference map[string]float64
	if err := json.Unmarshal(referenceText, &reference); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		ratio, there := reference[r.name]
		if want := r.load != nil && r.figures[0].limit != noGoal; there != want || there && ratio <= 0 {
			t.Errorf("%s: there %t with %g, want there %t", r.name, there, ratio, want)
		}
		delete(reference, r.name)
	}
	for name := range reference {
		t.Errorf("there is no row %s", name)
	}
}

func TestOnlyARatioBelowHalfOfItsReferenceFell(t *testing.T) {
	reference := map[string]float64{"submit": 0.8, "life": 0.2, "lines": 0.3}
	now := map[string]float64{"submit": 0.39, "life": 0.1, "opportunity": 0.01}
	if got := fell(reference, now); len(got) != 1 || got[0] != "submit" {
		t.Errorf("%v fell", got)
	}
}

func TestRowsAreChosenByName(t *testing.T) {
	chosen, err := choose("lines,submit", false)
	if err != nil || len(chosen) != 2 || chosen[0].name != "submit" {
		t.Errorf("chosen are %d rows: %v", len(chosen), err)
	}
	if _, err := choose("submit,speed", false); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("a row that is not there gives %v", err)
	}
	all, _ := choose("", false)
	some, _ := choose("", true)
	if named, err := choose("postgres-stored", true); err != nil || len(named) != 1 || len(all) != len(rows) || len(some) == len(all) {
		t.Errorf("of %d rows there are %d, %d in a short run, and %d by its name, %v", len(rows), len(all), len(some), len(named), err)
	}
}

func TestAPartOfTheTableReplacesNoPage(t *testing.T) {
	for _, o := range []options{{short: true}, {rows: "submit"}, {size: 10}, {max: 10}} {
		if out := outFolder(o); out != "" {
			t.Errorf("%+v writes to %s", o, out)
		}
		o.out = "there"
		if out := outFolder(o); out != "there" {
			t.Errorf("%+v writes to %q", o, out)
		}
	}
	if out := outFolder(options{}); !strings.HasSuffix(out, "docs") {
		t.Errorf("the whole goes to %q", out)
	}
}

func sampleBench() *bench {
	b := newBench(options{}, "")
	for n := 1000; n <= 10_000_000; n *= 10 {
		b.stored = append(b.stored, point{at: n, yardstick: 140_000, rate: 120_000, base: 126_000})
	}
	for n := 1; n <= 10_000; n *= 10 {
		b.sessions = append(b.sessions, point{at: n, yardstick: 140_000, rate: 120_000, megabytes: 30 + float64(n)/100})
	}
	return b
}

func TestThePageShowsWhatWasMeasuredAndWhatWasNot(t *testing.T) {
	b := sampleBench()
	page := b.page([]result{
		{row: row{name: "a"}, figures: []measured{{figure{what: "A", unit: perSecond, limit: ratioLeast, goal: 0.9}, 120_000, 140_000, 0.857}}},
		{row: row{name: "b", what: "B"}, err: errors.New("out of luck\nat line 2")},
	})
	for _, want := range []string{
		"| A | 140 000/s | 120 000/s | 0.86 | ≥ 0.9 × | no |\n", "| B |  | not measured: out of luck |",
		"| 10 000 000 | 140 000/s | 120 000/s | 0.86 | 0.95 |\n", "| 10 000 | 140 000/s | 120 000/s | 0.86 | 130 MB |\n",
		"](" + storedFile + ")", "](" + sessionsFile + ")", "](" + memoryFile + ")",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	var text bytes.Buffer
	b.printTable(&text, []result{{row: row{what: "B"}, err: errors.New("out of luck")}})
	if !strings.Contains(text.String(), "out of luck") || strings.Contains(text.String(), "Small") {
		t.Errorf("the table is:\n%s", &text)
	}
	b.size = 30
	if text.Reset(); b.scale() == "" {
		t.Error("a small run does not say that it is")
	}
}

func TestFiguresAreDrawnWithinTheirAxes(t *testing.T) {
	charts := sampleBench().charts()
	if len(charts) != 3 {
		t.Errorf("%d figures", len(charts))
	}
	for name, c := range charts {
		circles, dark := 0, false
		for d := xml.NewDecoder(strings.NewReader(c.svg())); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch e := token.(type) {
			case xml.CharData:
				dark = dark || strings.Contains(string(e), "prefers-color-scheme:dark")
			case xml.StartElement:
				if e.Name.Local != "circle" {
					continue
				}
				circles++
				for _, a := range e.Attr {
					v, _ := strconv.ParseFloat(a.Value, 64)
					if a.Name.Local == "cx" && (v < plotLeft || v > plotRight) || a.Name.Local == "cy" && (v < plotTop || v > plotBottom) {
						t.Errorf("%s: a point is at %s = %g", name, a.Name.Local, v)
					}
				}
			}
		}
		want := 0
		for _, curve := range c.curves {
			want += len(curve.points)
		}
		if circles != want || want < 5 || !dark {
			t.Errorf("%s: %d points of %d, dark %t", name, circles, want, dark)
		}
	}
}

func TestWhatPeopleWroteOfThePageIsKept(t *testing.T) {
	folder := t.TempDir()
	b := &bench{options: options{repeat: 3, size: fullSize, max: fullMax}, load: "0.25"}
	page := func() string {
		if err := writeReport(folder, b, []result{{row: rows[0], err: errors.New("none")}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(folder, reportFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	generated := page()
	if !strings.Contains(generated, "| 0.25 |") {
		t.Error("it does not tell the load of other programs")
	}
	const written = "\n## What limits it\n\nThe disk.\n\n## Memory\n\nLittle.\n"
	if err := os.WriteFile(filepath.Join(folder, reportFile), []byte("# Old\n"+written), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := page(); got != generated+written {
			t.Errorf("the page is:\n%s", got)
		}
	}
}
