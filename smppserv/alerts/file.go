package alerts

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds what is read as what was told.
const maxFile = 1 << 20

// read is what was told before the start. A file that cannot be read was none: then something may be told once more.
func (a *Alerts) read() map[string]*state {
	all := map[string]*state{}
	if a.o.File == "" {
		return all
	}
	info, err := os.Stat(a.o.File)
	if err == nil && info.Size() > maxFile {
		err = errors.New("it is too large")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(a.o.File)
	}
	if err == nil {
		all, err = parse(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.o.Log.Warn().Err(err).Str("file", a.o.File).Msg("what was told by alerts cannot be read: something may be told once more")
		return map[string]*state{}
	}
	return all
}

func parse(data []byte) (map[string]*state, error) {
	all := map[string]*state{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for key, st := range all {
		if st == nil {
			delete(all, key)
		}
	}
	if all == nil {
		all = map[string]*state{}
	}
	return all, nil
}

// write keeps what was told. The caller holds mu.
func (a *Alerts) write() {
	if a.o.File == "" {
		return
	}
	data, err := json.Marshal(a.states)
	if err == nil {
		err = replace(a.o.File, data)
	}
	if err != nil && !a.unwritable {
		a.o.Log.Warn().Err(err).Msg("what was told by alerts cannot be kept: after a restart it may be told once more")
	}
	a.unwritable = err != nil
}

// replace writes a file whole or not at all.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// copied is the states as they are.
func (a *Alerts) copied() map[string]state {
	all := make(map[string]state, len(a.states))
	for key, st := range a.states {
		all[key] = *st
	}
	return all
}

func equal(before map[string]state, now map[string]*state) bool {
	if len(before) != len(now) {
		return false
	}
	for key, st := range now {
		if was, ok := before[key]; !ok || was != *st {
			return false
		}
	}
	return true
}
