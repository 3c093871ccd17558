package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Record is what outlives the server of the file that was last in force: names, no values.
type Record struct {
	Outline
	// SHA-256 of a file's octets; "" = none.
	Accepted string `json:"accepted,omitempty"` // taken as it is, although it has lost its end
	Refused  string `json:"refused,omitempty"`  // by a running server, which saw more than names
	// Cuts are of this one where its last digits are lost, which names cannot tell of a number that ends the file.
	Cuts []string `json:"cuts,omitempty"`
}

// Record is what to keep of a file that is in force.
func (f *File) Record() Record { return Record{Outline: f.Outline, Cuts: f.cuts()} }

// maxCuts bounds the octets of a number, or of a time, that ends a file.
const maxCuts = 64

func (f *File) cuts() (sums []string) {
	if !f.Outline.Open || f.Outline.Empty {
		return nil
	}
	for cut := f.Octets; len(sums) < maxCuts && len(cut) > 0; {
		last := cut[len(cut)-1]
		if last == '=' || last == '\n' {
			break
		}
		cut = cut[:len(cut)-1]
		sums = append(sums, sumOf(cut))
	}
	return sums
}

// IsCut tells whether the file is r's with the end of its last number lost, or one that a running server refused.
func (f *File) IsCut(r Record) bool {
	sum := f.Sum()
	return r.Refused == sum || slices.Contains(r.Cuts, sum)
}

// Sum is how a Record names the file.
func (f *File) Sum() string { return sumOf(f.Octets) }

func sumOf(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// dataFolder is where data is when the file does not say: a file that is cut off may not say it any more.
const dataFolder = "data"

// DataFolder is where the server keeps its files: that of the database, or, where the database is on a server, the folder data beside the
// configuration file.
func DataFolder(path string, cfg *Config) string {
	if cfg.Store.Driver == DriverSQLite {
		return filepath.Dir(cfg.Store.DSN)
	}
	return filepath.Join(filepath.Dir(path), dataFolder)
}

// RecordFiles are where the Record of a configuration file is kept: in the folder data beside it, and in that of the
// database. cfg may be nil.
func RecordFiles(path string, cfg *Config) []string {
	base := filepath.Base(path)
	name := strings.TrimSuffix(base, filepath.Ext(base)) + ".keys.json" // two files of one folder do not share it
	files := []string{filepath.Join(filepath.Dir(path), dataFolder, name)}
	if cfg != nil {
		if file := filepath.Join(DataFolder(path, cfg), name); file != files[0] {
			files = append(files, file)
		}
	}
	return files
}

// ReadRecords reads those that are there. The error is of those that cannot be read, and joins one for each.
func ReadRecords(files []string) (records []Record, err error) {
	for _, file := range files {
		data, fault := os.ReadFile(file)
		if errors.Is(fault, fs.ErrNotExist) {
			continue
		}
		var r Record
		if fault == nil {
			fault = json.Unmarshal(data, &r)
		}
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("whether the file has lost its end cannot be told: %s: %w", file, unnamed(fault)))
			continue
		}
		records = append(records, r)
	}
	return records, err
}

// WriteRecord writes those files that say something else, each as a whole or not at all. Of the folders it makes only the
// first file's, which is beside config.toml; where another is missing there is no database yet.
func WriteRecord(files []string, r Record) (err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for i, file := range files {
		if old, fault := ReadRecords([]string{file}); fault == nil && len(old) == 1 && reflect.DeepEqual(old[0], r) {
			continue
		}
		folder := filepath.Dir(file)
		if i == 0 {
			if fault := os.MkdirAll(folder, 0o750); fault != nil {
				err = errors.Join(err, fault)
				continue
			}
		} else if _, fault := os.Stat(folder); errors.Is(fault, fs.ErrNotExist) {
			continue
		}
		if fault := writeWhole(file, data); fault != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", file, unnamed(fault)))
		}
	}
	return err
}

// writeWhole puts a new file, of mode 0600, in the old one's place.
func writeWhole(file string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	err = errors.Join(err, f.Sync(), giveToOwner(f, filepath.Dir(file)), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// unnamed takes off the file's name, which the error already has.
func unnamed(err error) error {
	if named, ok := errors.AsType[*os.PathError](err); ok {
		return named.Err
	}
	if named, ok := errors.AsType[*os.LinkError](err); ok {
		return named.Err
	}
	return err
}
