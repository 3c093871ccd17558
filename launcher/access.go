package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/pkg/config"
)

// use is what the service's account does with a file or a folder.
type use uint8

const (
	readFile use = iota
	readFolder
	writeFolder
)

// isOurs tells the product's own folder from one that may hold what is others'.
func isOurs(folder string) bool { return strings.EqualFold(filepath.Base(folder), serviceDisplayName) }

// checkOwners refuses a configuration that somebody has put in our place: whoever writes it decides what runs as the system.
func checkOwners(configPath string) error {
	home := filepath.Dir(configPath)
	if isOurs(home) {
		if err := checkOwner(home); err != nil {
			return err
		}
	}
	return checkOwner(configPath)
}

// giveAccess lets the service's account ("" = the system's own) read config.toml, which holds passwords, and write the
// folders of the logs and the database, which hold numbers and texts; besides it, administrators alone. A database in a
// folder of its own elsewhere is left as it is. It returns what it could not do: the account may have its rights otherwise.
func giveAccess(configPath, account string) (faults []error) {
	home := filepath.Dir(configPath)
	database := filepath.Join(home, config.Default().Store.DSN)
	if cfg, err := config.Load(configPath); err == nil {
		database = cfg.Store.DSN
	}
	note := func(path string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("the rights to %s could not be set: %w", path, err))
		}
	}
	if isOurs(home) {
		note(home, restrict(home, account, readFolder))
	}
	note(configPath, restrict(configPath, account, readFile))
	for _, folder := range []string{logging.Folder(configPath), filepath.Dir(database)} {
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
