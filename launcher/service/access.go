package service

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// use is what the service's account does with a file or a folder.
type use uint8

const (
	readFile use = iota
	readFolder
	writeFolder
)

// isOurs tells the product's own folder from one that may hold what is others'.
func isOurs(folder string) bool { return strings.EqualFold(filepath.Base(folder), displayName) }

// Files are what the service reads and writes, and what runs as the service.
type Files struct {
	Config  string   // config.toml, which holds passwords
	Folders []string // of the logs and the database, which hold numbers and texts
	Worker  string   // the server's program
}

// CheckOwners refuses a configuration that somebody has put in our place: whoever writes it decides what runs as the system.
// The error wraps os.ErrPermission where this account may not look.
func (f Files) CheckOwners() error {
	home := filepath.Dir(f.Config)
	if isOurs(home) {
		if err := checkOwner(home); err != nil {
			return err
		}
	}
	return checkOwner(f.Config)
}

// Restrict lets the service's account ("" = the system's own) read config.toml and write the folders; besides it,
// administrators alone. A folder that is not beside config.toml is left as it is. It returns what it could not do: the
// account may have its rights otherwise.
func (f Files) Restrict(account string) (faults []error) {
	if isSystem(account) {
		account = ""
	}
	home := filepath.Dir(f.Config)
	note := func(path string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("the rights to %s could not be set: %w", path, err))
		}
	}
	if isOurs(home) {
		note(home, restrict(home, account, readFolder))
	}
	note(f.Config, restrict(f.Config, account, readFile))
	for _, folder := range f.Folders {
		if rel, err := filepath.Rel(home, folder); err != nil || rel == "." || strings.HasPrefix(rel, "..") {
			continue
		}
		err := os.MkdirAll(folder, 0o750)
		if err == nil {
			err = restrict(folder, account, writeFolder)
		}
		note(folder, err)
	}
	return faults
}
