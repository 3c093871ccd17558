package config

import (
	"errors"
	"path/filepath"
)

// NamedStore is the store that a command line names beside a configuration file: by a dsn, which may hold ${NAME} as store.dsn may, or
// by a file with one in it. What is neither a postgres:// URL nor key=value words is the path of an SQLite file, from the current folder
// on. Its errors have nothing of the dsn.
func NamedStore(dsn, file string) (Store, error) {
	s := Default().Store
	var err error
	switch {
	case dsn != "" && file != "":
		return s, errors.New("a dsn and a file with one are named: leave one of them out")
	case file != "":
		s.DSN, err = readSecret(file)
	default:
		s.DSN = dsn
	}
	if err == nil {
		s.DSN, err = substitute("store.dsn", s.DSN)
	}
	switch {
	case err != nil:
		return s, err
	case s.DSN == "":
		return s, errors.New("no store is named")
	case isSQLiteURI(s.DSN):
		return s, errors.New(`name a store by the path of its file, without "file:"`)
	case isPostgresDSN(s.DSN):
		s.Driver = DriverPostgres
		return s, nil
	}
	s.DSN, err = filepath.Abs(s.DSN)
	return s, err
}
