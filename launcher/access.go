package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hnetsmpp/pkg/config"
)

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
	note(configPath, restrict(configPath, account, false))
	for _, folder := range []string{filepath.Join(home, logFolder), filepath.Dir(database)} {
		if rel, err := filepath.Rel(home, folder); err != nil || rel == "." || strings.HasPrefix(rel, "..") {
			continue
		}
		err := os.MkdirAll(folder, 0o750)
		if err == nil {
			err = restrict(folder, account, true)
		}
		note(folder, err)
	}
	return faults
}
