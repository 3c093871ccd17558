package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// programs are those that are released; each has its resources in winres/NAME.json.
var programs = []string{"launcher", "smppserv"}

// buildProgram builds one program for Windows, with its version, icon and manifest, and returns its path.
//
// The resources are put into the built file: as a .syso they would have to lie in the program's source folder,
// where every other build would find them.
func (s source) buildProgram(ctx context.Context, root, name, arch, folder string) (string, error) {
	path, profile := filepath.Join(folder, name+".exe"), "off"
	if name == "smppserv" {
		profile = filepath.Join("pkg", "release", "smppserv.pgo") // where its time goes; see docs/performance.md
	}
	build := command{
		folder: root,
		env:    []string{"GOOS=windows", "GOARCH=" + arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0"},
		args: []string{"go", "build", "-trimpath", "-buildvcs=false", "-pgo=" + profile, // what git says is in ldflags
			"-ldflags", s.ldflags(), "-o", path, "./" + name},
	}
	if _, err := build.output(ctx); err != nil {
		return "", err
	}
	description := filepath.Join("pkg", "release", "winres", name+".json")
	err := run(ctx, root, "go", "tool", "go-winres", "patch", "--no-backup", "--in", description,
		"--file-version", s.version.file(), "--product-version", s.version.text, path)
	return path, err
}

// ldflags leave out the symbol table and DWARF, which stack traces do not need.
func (s source) ldflags() string {
	return fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s -X main.date=%s", s.version.text, s.commit, s.date.Format(time.RFC3339))
}
