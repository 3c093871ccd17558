package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"

	"hnetsmpp/smppserv/store"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
	zombiezen "zombiezen.com/go/sqlite"
)

var (
	errNotADatabase = errors.New("this file is not a SQLite database")
	errNewer        = errors.New("this database was written by a newer version of smppserv")
	errDamaged      = errors.New("the database is damaged")
	errForeignLog   = errors.New("the write-ahead log beside it belongs to another state of the database")
	errNoLog        = errors.New("the disk that it is on cannot hold a write-ahead log")
	errInterrupted  = errors.New("a restore was interrupted before the copy was in its place")
	errNoRoom       = errors.New("this version changes its schema, and there is no room for the copy that is made before")
	errOrphanLog    = errors.New("the file is missing or empty, but its write-ahead log is still there, with messages in it")
)

// RestoreCommand is the command that puts a copy in the place of a database.
const RestoreCommand = "smppserv store restore FILE"

// RecoverCommand is the command that saves what can be read of a damaged database.
const RecoverCommand = "smppserv store recover FILE"

// code is SQLite's primary result code in err, 0 = none.
func code(err error) int {
	if se, ok := errors.AsType[*sqlite.Error](err); ok { // of database/sql
		return se.Code() & 0xff
	}
	c := zombiezen.ErrCode(err)
	if _, ok := zombiezen.ErrorOffset(err); c == zombiezen.ResultError && !ok { // it takes any error for one
		return 0
	}
	return int(c.ToPrimary())
}

// explain says in one line what is wrong with the database and what to do about it.
func explain(file string, err error) error { return explainCode(file, code(err), err) }

func explainCode(file string, code int, err error) error {
	const end = "end the program that works on the file, such as a sqlite3 in a console, a backup or an antivirus"
	var advice string
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("store %s: %w: %w; %s", file, store.ErrHeld, err, end)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		err = fmt.Errorf("%w: %w", errDamaged, err)
	case sqlite3.SQLITE_IOERR:
		advice = "; the disk could not be read or written, or it is full (SQLite cannot always tell): make room, or look at the disk, its driver or the network drive, and at the system's log"
	case sqlite3.SQLITE_FULL:
		advice = "; the disk is full: make room"
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY:
		advice = "; give the account of the service the right to write this file, those beside it and their folder"
	case sqlite3.SQLITE_CANTOPEN:
		advice = "; give the account of the service the right to read and write this file, those beside it (-wal, -shm) and their folder"
	case sqlite3.SQLITE_NOMEM:
		advice = "; the machine has no memory left"
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		advice = "; its tables are not as smppserv leaves them: put a backup back with: " + RestoreCommand
	}
	switch {
	case errors.Is(err, errDamaged):
		advice = "; put a backup back with: " + RestoreCommand + ", or move it away with its -wal and -shm after what can be saved was: " + RecoverCommand
	case errors.Is(err, errNotADatabase):
		advice = "; set store.dsn to another file, or, if this was the database once and is damaged, put a backup back with: " + RestoreCommand
	case errors.Is(err, store.ErrForeign):
		advice = "; set store.dsn to another file"
	case errors.Is(err, errNoRoom):
		advice = ": make room on that disk, or install the earlier version again"
	case errors.Is(err, errNewer):
		advice = "; install that version again, put a backup from before it back with: " + RestoreCommand + ", or set store.dsn to another file"
	case errors.Is(err, errForeignLog):
		advice = ": a backup was copied over it, it seems, and would be malformed with this log; put the file back that was there, or bring the backup in with: " +
			RestoreCommand
	case errors.Is(err, errOrphanLog):
		advice = ": put the file back, or move " + file + "-wal away with it, or put a backup back with: " + RestoreCommand
	case errors.Is(err, errNoLog):
		advice = "; set store.dsn to a file on a disk of this machine"
	case errors.Is(err, errInterrupted):
		advice = ": repeat it: " + RestoreCommand
	case heldByWindows(err):
		return fmt.Errorf("store %s: %w: %w; %s", file, store.ErrHeld, err, end)
	case errors.Is(err, context.Canceled), errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, syscall.ENOSPC):
		advice = "; the disk is full: make room"
	case errors.Is(err, fs.ErrPermission):
		advice = "; give the account of the service the right to read and write it and its folder"
	}
	return fmt.Errorf("store %s: %w%s", file, err, advice)
}

// heldByWindows knows ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
func heldByWindows(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return runtime.GOOS == "windows" && ok && (errno == 32 || errno == 33)
}

// RefusesRow implements store.Database.
func (*database) RefusesRow(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}
