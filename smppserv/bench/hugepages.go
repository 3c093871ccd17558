package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// hugePages are those of Linux, of 2 MB each: what they hold is not mapped in ordinary ones of 4 KB when it is first used.
const hugePages = "/sys/kernel/mm/hugepages/hugepages-2048kB"

// keepHugePages has the system keep so many huge pages free for PostgreSQL, as docs/cluster.md has it do for good, and gives back what that took at
// the end. It tells whether they are there: not on other systems, for other users than root, or where the memory is in pieces.
func (t *trial) keepHugePages(wanted int) bool {
	free, known := readHugePages("free_hugepages")
	missing := wanted - free
	if !known || missing <= 0 {
		return known
	}
	kept, _ := readHugePages("nr_hugepages")
	setHugePages(kept + missing)
	now, _ := readHugePages("nr_hugepages")
	t.Cleanup(func() {
		if n, known := readHugePages("nr_hugepages"); known {
			setHugePages(n - (now - kept)) // others may have changed it since
		}
	})
	return now == kept+missing
}

func readHugePages(what string) (n int, known bool) {
	text, err := os.ReadFile(filepath.Join(hugePages, what))
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(string(bytes.TrimSpace(text)))
	return n, err == nil
}

// setHugePages is no error where it fails: what there is is read afterwards.
func setHugePages(n int) {
	_ = os.WriteFile(filepath.Join(hugePages, "nr_hugepages"), fmt.Appendln(nil, n), 0o600)
}
