package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A tool is a program that is not part of this module.
type tool struct {
	names   []string // every one of them is needed
	folders []string // where to look beside the PATH
	advice  string   // what to do where it is missing
}

// find returns the paths of the tool's programs, in the order of their names.
func (t tool) find() ([]string, error) {
	var paths []string
	for _, name := range t.names {
		path, err := exec.LookPath(name)
		for _, folder := range t.folders {
			if err != nil {
				path, err = exec.LookPath(filepath.Join(folder, name))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s is missing; %s", name, t.advice)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// A command runs in a folder, with variables added to the environment.
type command struct {
	folder string
	env    []string
	args   []string
}

// output runs the command and returns its standard output. What it printed is shown only where it fails.
func (c command) output(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, strings.TrimSpace(stdout.String()+stderr.String()))
	}
	return stdout.String(), nil
}

func run(ctx context.Context, folder string, args ...string) error {
	_, err := command{folder: folder, args: args}.output(ctx)
	return err
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := command{args: []string{"go", "list", "-m", "-f", "{{.Dir}}"}}.output(ctx)
	return strings.TrimSpace(out), err
}
