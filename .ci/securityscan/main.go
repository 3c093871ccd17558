// Command securityscan is gosec without its clients of language models, which take six times as long to build as all the rest of it.
// It prints what gosec finds in the packages below the current folder and ends with 1 if that is anything, or if it could not look.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/report"
	"github.com/securego/gosec/v2/rules"
)

func main() {
	exclude := flag.String("exclude", "", "`rules` that are not held, with commas between")
	excludeRules := flag.String("exclude-rules", "", "`PATH:RULE,RULE;…` that are not held where a file's path matches")
	flag.Parse()
	found, err := scan(*exclude, *excludeRules)
	if err != nil {
		fmt.Fprintln(os.Stderr, "securityscan:", err)
	}
	if found || err != nil {
		os.Exit(1)
	}
}

// scan tells whether it found something, which it has printed.
func scan(exclude, excludeRules string) (found bool, err error) {
	byPath, err := gosec.ParseCLIExcludeRules(excludeRules)
	if err != nil {
		return false, err
	}
	excluded, err := gosec.NewPathExclusionFilter(byPath)
	if err != nil {
		return false, err
	}
	packages, err := gosec.PackagePaths("./...", gosec.ExcludedDirsRegExp([]string{"vendor", `\.git/`}))
	if err != nil {
		return false, err
	}
	if len(packages) == 0 {
		return false, errors.New("no package here")
	}
	names := strings.Split(exclude, ",")
	const withTests, withGenerated, withSuppressed = false, false, false
	scanner := gosec.NewAnalyzer(gosec.NewConfig(), withTests, withGenerated, withSuppressed, runtime.NumCPU(), log.New(io.Discard, "", 0))
	scanner.LoadRules(rules.Generate(withSuppressed, rules.NewRuleFilter(true, names...)).RulesInfo())
	scanner.LoadAnalyzers(analyzers.Generate(withSuppressed, analyzers.NewAnalyzerFilter(true, names...)).AnalyzersInfo())
	if err := scanner.Process(nil, packages...); err != nil {
		return false, err
	}
	issues, metrics, faults := scanner.Report()
	issues, _ = excluded.FilterIssues(issues)
	metrics.NumFound = len(issues)
	if len(issues) == 0 && len(faults) == 0 {
		return false, nil
	}
	root, err := gosec.RootPath("./...")
	if err != nil {
		return false, err
	}
	return true, report.CreateReport(os.Stdout, "text", false, []string{root}, gosec.NewReportInfo(issues, metrics, faults))
}
