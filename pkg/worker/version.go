package worker

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is what a program says of itself. The arguments are set by the build (-ldflags "-X main.version=…");
// what is empty falls back on what the Go tool recorded.
func Version(version, commit, date string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(version, info.Main.Version)
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				commit = cmp.Or(commit, setting.Value)
			case "vcs.time":
				date = cmp.Or(date, setting.Value)
			}
		}
	}
	return fmt.Sprintf("%s (commit %s, %s, %s, %s/%s)",
		cmp.Or(version, "unknown"), cmp.Or(commit, "unknown"), cmp.Or(date, "date unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
