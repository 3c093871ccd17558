package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
)

// referenceFile holds the ratio to the yardstick of each row, as a short run found it once.
const referenceFile = "reference.json"

//go:embed reference.json
var referenceText []byte

// halved: a ratio fails when it is below so much of its reference. Shared machines are noisy; half is no noise.
const halved = 0.5

// more is how often a row whose ratio fell is measured again: the best counts.
const more = 2

// ratios are those to go-smpp's server, by row.
func ratios(results []result) map[string]float64 {
	all := map[string]float64{}
	for _, r := range results {
		if r.err == nil && r.row.load != nil && r.row.figures[0].limit != noGoal {
			all[r.row.name] = r.figures[0].ratio
		}
	}
	return all
}

// fell names the rows whose ratio has halved.
func fell(reference, now map[string]float64) (names []string) {
	for _, r := range rows {
		was, known := reference[r.name]
		is, measured := now[r.name]
		if known && measured && is < halved*was {
			names = append(names, r.name)
		}
	}
	return names
}

// endShort ends a short run: it holds the ratios against the reference, or renews that, and returns the exit code.
func (b *bench) endShort(results []result) int {
	reference := map[string]float64{}
	if err := json.Unmarshal(referenceText, &reference); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", referenceFile, err)
		return 1
	}
	if !b.renew {
		return b.judge(os.Stdout, results, reference)
	}
	b.printTable(os.Stdout, results)
	maps.Copy(reference, ratios(results)) // of rows that were not measured it stays
	if err := writeReference(reference); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return failures(results)
}

// judge says which ratios have halved against the reference, and returns the exit code.
func (b *bench) judge(w io.Writer, results []result, reference map[string]float64) int {
	for i := range results {
		for range more {
			if len(fell(reference, ratios(results[i:i+1]))) == 0 {
				break
			}
			b.at(results[i].row.name + ", again")
			b.say("%s: the ratio has halved; once more", results[i].row.name)
			if again := b.run(results[i].row); again.err == nil && again.figures[0].ratio > results[i].figures[0].ratio {
				results[i] = again
			}
		}
	}
	b.printTable(w, results)
	code := failures(results)
	now := ratios(results)
	for _, name := range fell(reference, now) {
		fmt.Fprintf(w, "%s has halved: its ratio to go-smpp's server is %.3f, and was %.3f\n", name, now[name], reference[name])
		code = 1
	}
	return code
}

// writeReference writes the ratios into the source.
func writeReference(reference map[string]float64) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	for name, ratio := range reference {
		reference[name] = math.Round(ratio*1000) / 1000
	}
	text, err := json.MarshalIndent(reference, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "smppserv", "bench", referenceFile), append(text, '\n'), 0o644)
}
