package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"hnetsmpp/pkg/tomlstrict"
)

// owners warns of numbers that no message can bear, and of those that several clients own alike: what Hermès writes from one goes to one of them. Where none are
// given that is meant.
func (k *checker) owners(clients []Client) {
	first := map[string]int{}
	for i := range clients {
		c := &clients[i]
		if c.Disabled {
			continue
		}
		for j, number := range c.Numbers {
			if !strings.HasSuffix(number, "*") && !isNumber(number) && !strings.ContainsFunc(number, unicode.IsLetter) {
				k.add(tomlstrict.Index(tomlstrict.Index("clients", i)+".numbers", j), "%q is neither digits nor a name with a letter: no message can bear it", number)
			}
			owner, taken := first[number]
			switch {
			case !taken:
				first[number] = i
			case owner != i:
				k.add(tomlstrict.Index(tomlstrict.Index("clients", i)+".numbers", j),
					"%q belongs to %q and to %q: what Hermès writes from it goes to the one that its recipient last wrote through, else to %[3]q",
					number, c.SystemID, clients[owner].SystemID)
			}
		}
	}
}

// TriedWarnings is what an operator should know and only a try shows: that the folder of the database cannot be made, or
// not be written, by the account that asks. Nothing stays of the try.
func (c *Config) TriedWarnings() []Problem {
	k := &checker{}
	if c.Store.Driver == "sqlite" && c.Store.DSN != "" {
		folder := filepath.Dir(c.Store.DSN)
		if info, err := os.Stat(c.Store.DSN); err == nil && info.IsDir() {
			k.add("store.dsn", "%s is a folder; name the file in it, such as messages.db", c.Store.DSN)
			return k.problems
		}
		if err := canHold(folder); err != nil {
			k.add("store.dsn", "the folder %s cannot be made or written by this account: %s", folder, err)
		}
	}
	return k.problems
}

// canHold tries to make a file in the folder, or in the nearest one above that is there.
func canHold(folder string) error {
	at := folder
	info, err := os.Stat(at)
	for errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
		info, err = os.Stat(at)
	}
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is a file", at)
	}
	f, err := os.CreateTemp(at, ".smppserv-check-*")
	if err != nil {
		return fmt.Errorf("%s: %w", at, unnamed(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
