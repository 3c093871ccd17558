package testkit

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// Settings are keys of config.toml with their sections, like "hermes.url".
type Settings map[string]any

// The client of a config.toml that names no others. It may bind twice.
const (
	Client   = "esme1"
	Password = "secret1"
)

// baseSettings: any free loopback ports, no admin port, a store beside config.toml.
func baseSettings() Settings {
	return Settings{
		"server.listen_host":       "127.0.0.1",
		"server.listen_port":       0,
		"server.failed_bind_delay": "0s",
		"tcp.listen_host":          "127.0.0.1",
		"tcp.listen_port":          0,
		"admin.listen":             "",
		"store.dsn":                storeFile,
		"clients":                  Clients(Password),
		"hermes.url":               "simulator",
	}
}

const storeFile = "messages.db"

// Clients is the section of Client alone, with a password.
func Clients(password string) []map[string]any {
	return []map[string]any{{"system_id": Client, "password": password, "bind_policy": "pair"}}
}

// ConfigText is a config.toml with any free loopback ports, no admin port, the store in messages.db, Client, the stand-in, and
// these settings; the later ones count.
func ConfigText(t testing.TB, sets ...Settings) []byte {
	t.Helper()
	tree := map[string]any{}
	for _, set := range append([]Settings{baseSettings()}, sets...) {
		for key, value := range set {
			at, sections := tree, strings.Split(key, ".")
			for _, section := range sections[:len(sections)-1] {
				if at[section] == nil {
					at[section] = map[string]any{}
				}
				at = at[section].(map[string]any)
			}
			at[sections[len(sections)-1]] = value
		}
	}
	text, err := toml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// WriteConfig writes ConfigText into a folder and returns the path of config.toml.
func WriteConfig(t testing.TB, folder string, sets ...Settings) string {
	t.Helper()
	path := filepath.Join(folder, "config.toml")
	if err := os.WriteFile(path, ConfigText(t, sets...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// FreePort returns a loopback port that nothing listens on. It is below those that systems give to outgoing
// connections: one of these could take it, or meet itself on it, while no program listens.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	for range 100 {
		port := 12000 + rand.IntN(18000)
		l, err := net.Listen("tcp", Loopback(port))
		if err == nil {
			l.Close()
			return port, nil
		}
	}
	return 0, errors.New("no free port")
}

// Loopback is the address of a port of this machine.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
