// Package running is what a server that runs tells the commands of its machine: a file beside the names of the configuration's
// keys, which the server's account and administrators alone may read, and which counts while the server holds the lock beside it.
package running

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Server is a server that runs.
type Server struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Where it listens, host:port; "" = it does not.
	SMPP    string `json:"smpp"`
	SMPPTLS string `json:"smpp_tls,omitempty"`
	TCP     string `json:"tcp"`
	Admin   string `json:"admin,omitempty"`
	// Token shows the server that who bears it may read this file. It is another one after each start.
	Token  string `json:"token"`
	Config Reload `json:"config"`
}

// Reload is what the server made of config.toml when it last read it.
type Reload struct {
	At      time.Time `json:"at"`
	Changed time.Time `json:"changed"`           // the file's time of change, as it was read
	Fault   string    `json:"fault,omitempty"`   // why it was not taken up; "" = it was
	Keys    []string  `json:"keys,omitempty"`    // that took effect; none at the start
	Pending []string  `json:"pending,omitempty"` // that differ from what runs, and wait for a restart
}

// folder is where what belongs to a configuration is kept, beside it.
const folder = "data"

// names are the file and its lock. Two configurations of one folder do not share them.
func names(config string) (file, lock string) {
	base := filepath.Base(config)
	base = filepath.Join(filepath.Dir(config), folder, strings.TrimSuffix(base, filepath.Ext(base)))
	return base + ".running.json", base + ".running.lock"
}

// Notice is the server's hold on its file.
type Notice struct {
	file string
	lock *flock.Flock
}

const (
	holdTries = 50
	holdPause = 10 * time.Millisecond
)

var errHeld = errors.New("another process holds it")

// insist tries again for a while: who reads looks whether the lock is free, and on Windows a file cannot be replaced while it is
// read.
func insist(do func() error) (err error) {
	for range holdTries {
		if err = do(); err == nil || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(holdPause)
	}
	return err
}

// Hold takes the lock of a configuration's file. Close lets it go.
func Hold(config string) (*Notice, error) {
	file, lock := names(config)
	n := &Notice{file: file, lock: flock.New(lock)}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, err
	}
	err := insist(func() error {
		held, err := n.lock.TryLock()
		if err == nil && !held {
			err = errHeld
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", lock, err)
	}
	giveToOwner(lock, filepath.Dir(lock))
	return n, nil
}

// Write says how things are now. The file is of mode 0600, and written whole or not at all.
func (n *Notice) Write(s Server) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(n.file), filepath.Base(n.file)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.WriteAt(append(data, '\n'), 0)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = insist(func() error { return os.Rename(f.Name(), n.file) })
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Close takes the file away and lets the lock go.
func (n *Notice) Close() {
	_ = os.Remove(n.file)
	_ = n.lock.Unlock()
}

// Look reads what the server of a configuration says; nil = none runs. The error may wrap fs.ErrPermission: it is not for
// this account.
func Look(config string) (*Server, error) {
	file, lock := names(config)
	var data []byte
	err := insist(func() (err error) {
		data, err = os.ReadFile(file)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("what the running server says: %w", err)
	}
	var s Server
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s is not what a server writes: %w", file, err)
	}
	l := flock.New(lock)
	if free, err := l.TryLock(); err == nil && free { // it died, and left the file behind
		_ = l.Unlock()
		return nil, nil
	}
	return &s, nil
}
