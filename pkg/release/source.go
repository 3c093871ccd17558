package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// firstVersion is what is built where git has no tag v*.
const firstVersion = "1.0.0"

// A version is x.y.z with, for trial releases, a suffix such as -rc.1.
type version struct {
	text                string
	major, minor, patch int
}

var versionForm = regexp.MustCompile(`^v?((\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?)$`)

// parseVersion keeps to what Windows Installer can hold: 255.255.65535. One is left over for next.
func parseVersion(text string) (version, error) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil {
		return version{}, fmt.Errorf("version %q is not of the form 1.4.0 or 1.4.0-rc.1", text)
	}
	v := version{text: m[1]}
	for i, part := range []struct {
		value *int
		most  int
	}{{&v.major, 255}, {&v.minor, 255}, {&v.patch, 65534}} {
		n, err := strconv.Atoi(m[i+2])
		if err != nil || n > part.most {
			return version{}, fmt.Errorf("version %q: %s is more than %d, the most that Windows Installer takes there", text, m[i+2], part.most)
		}
		*part.value = n
	}
	return v, nil
}

// numbers is the version without its suffix: Windows Installer compares no more than that.
func (v version) numbers() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

// next is the lowest version above this one.
func (v version) next() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch+1) }

// file is the version of a program's resources.
func (v version) file() string { return v.numbers() + ".0" }

// A source is what is built: the same source makes the same files.
type source struct {
	version version
	commit  string
	date    time.Time // of the commit, in UTC
}

// readSource asks git. Outside of a clone it warns, and goes on with what there is.
func readSource(ctx context.Context, root, givenVersion string, stderr io.Writer) (source, error) {
	git := func(args ...string) (string, error) {
		out, err := command{folder: root, args: append([]string{"git"}, args...)}.output(ctx)
		return strings.TrimSpace(out), err
	}
	s := source{commit: "unknown", date: time.Now().UTC().Truncate(time.Second)}
	if head, err := git("log", "-1", "--format=%H %ct"); err != nil {
		fmt.Fprintln(stderr, "warning: neither commit nor date are known:", err)
	} else {
		commit, seconds, _ := strings.Cut(head, " ")
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return s, fmt.Errorf("git gave no date: %q", head)
		}
		s.commit, s.date = commit[:min(12, len(commit))], time.Unix(n, 0).UTC()
		changes, err := git("status", "--porcelain", "--untracked-files=no")
		if err != nil {
			return s, err
		}
		if changes != "" {
			s.commit += "+changes"
		}
	}
	if givenVersion == "" {
		var err error
		if givenVersion, err = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"); err != nil {
			givenVersion = firstVersion
		}
	}
	var err error
	s.version, err = parseVersion(givenVersion)
	return s, err
}
