package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Peer returns the path of a program that the test needs beside ours. Debian keeps some in /usr/sbin, which is not on
// everybody's PATH. If it is nowhere, see Missing.
func Peer(t testing.TB, program, install string) string {
	t.Helper()
	for _, name := range []string{program, filepath.Join("/usr/sbin", program)} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, program, install)
	return ""
}

// Missing skips the test, or fails it where CI is set: every peer must be installed there. install is the command that
// does it.
func Missing(t testing.TB, what, install string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing; it is installed by: %s", what, install)
	}
	t.Skipf("%s is missing; it is installed by: %s", what, install)
}
