// Package running is what a server that runs tells the commands of its machine: a file beside the names of the configuration's
// keys, which the server's account and administrators alone may read, and which counts while the server holds the lock beside it.
package running

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hnetsmpp/pkg/livefile"
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
	TCPTLS  string `json:"tcp_tls,omitempty"`
	Admin   string `json:"admin,omitempty"`
	// AdminCert is the file of the certificate that Admin answers with; "" = it speaks plain HTTP.
	AdminCert string `json:"admin_cert,omitempty"`
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
type Notice struct{ file *livefile.File }

// Hold takes the lock of a configuration's file. Close lets it go.
func Hold(config string) (*Notice, error) {
	file, lock := names(config)
	n := &Notice{fileOf(config)}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, err
	}
	if err := n.file.Hold(); err != nil {
		return nil, fmt.Errorf("%s: %w", lock, err)
	}
	giveToOwner(lock, filepath.Dir(lock))
	return n, nil
}

// fileOf is the file of a configuration. None but its owner may read it.
func fileOf(config string) *livefile.File {
	file, lock := names(config)
	return livefile.New(file, lock, 0o600)
}

// Write says how things are now.
func (n *Notice) Write(s Server) error { return n.file.Write(s) }

// Close takes the file away and lets the lock go.
func (n *Notice) Close() {
	n.file.Remove()
	n.file.Release()
}

// Reachable is where this machine reaches what listens at an address, host:port; "" = it is none.
func Reachable(listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil || port == "" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// Look reads what the server of a configuration says; nil = none runs. The error may wrap fs.ErrPermission: it is not for
// this account.
func Look(config string) (*Server, error) {
	data, alive, err := fileOf(config).Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("what the running server says: %w", err)
	}
	var s Server
	if err := json.Unmarshal(data, &s); err != nil {
		file, _ := names(config)
		return nil, fmt.Errorf("%s is not what a server writes: %w", file, err)
	}
	if !alive { // it died, and left the file behind
		return nil, nil
	}
	return &s, nil
}
