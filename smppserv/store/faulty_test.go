package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite"

	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
)

// faulty is a database whose disk refuses and hangs at will.
type faulty struct {
	store.Database

	mu      sync.Mutex
	refuses bool
	loses   bool          // the next write fails
	writes  int           // transactions that were handed in
	hung    chan struct{} // each write waits until it is closed; nil = none does
	read    func()        // is called by Answer
	medium  [2]string     // zero = SQLite's
}

var errReadOnly = errors.New("the disk takes nothing")

func (f *faulty) Write(b *store.Batch) error {
	f.mu.Lock()
	refuses, hung, loses := f.refuses, f.hung, f.loses
	f.writes++
	f.loses = false
	f.mu.Unlock()
	if refuses {
		return errReadOnly
	}
	if hung != nil {
		<-hung
	}
	if loses {
		return errReadOnly
	}
	return f.Database.Write(b)
}

func (f *faulty) Answer(ctx context.Context) error {
	f.mu.Lock()
	read := f.read
	f.mu.Unlock()
	if read != nil {
		read()
	}
	return f.Database.Answer(ctx)
}

// on has the database be on something else.
func (f *faulty) on(name, look string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.medium = [2]string{name, look}
}

func (f *faulty) Medium() (name, look string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.medium[0] != "" {
		return f.medium[0], f.medium[1]
	}
	return f.Database.Medium()
}

// lose has the next write fail, after it has hung.
func (f *faulty) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loses = true
}

// refuse has the disk take nothing, or end that.
func (f *faulty) refuse(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = on
}

// hang lets the disk hang in each write until the function it returns is called.
func (f *faulty) hang() (goOn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hung := make(chan struct{})
	f.hung = hung
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hung = nil
		close(hung)
	}
}

func (f *faulty) written() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// openFaulty opens the store of a file whose disk can be made to fail.
func openFaulty(t *testing.T, file string, log zerolog.Logger) (*store.Store, *faulty) {
	t.Helper()
	d, err := sqlite.OpenDatabase(context.Background(), sqlite.Options{File: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{Database: d}
	s, err := store.New(context.Background(), f, log)
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

// sqlite3 does in a database what somebody does at a console.
func sqlite3(t *testing.T, file, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement, args...)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
