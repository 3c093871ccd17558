package centre

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/hermes"
)

// File is a configuration as it was read. What changes in the file after that is taken up while the server runs.
type File struct {
	config.File
	// Blind is why it could not be told whether the file has lost its end, nil = it could.
	Blind error
	read  fileStamp // taken before it was read
}

// Read reads a configuration and finds, besides config.Load's, the faults that only a try shows, and whether the file has
// lost its end since it was last in force. Its error is a *config.Error, or Check's behind the path.
func Read(path string) (File, error) {
	f := File{read: stamp(path)}
	var err error
	f.File, err = config.Read(path)
	if err == nil {
		f.read.others = stamp(path, f.Config.Files()...).others
	}
	var records []config.Record
	records, f.Blind = config.ReadRecords(config.RecordFiles(path, f.Config))
	lost, is := lostEnd(&f.File, records)
	switch {
	case is && err != nil:
		err = alsoLost(err, &f.File, lost)
	case is:
		err = &config.Error{Problems: []config.Problem{f.LostEnd(lost, "smppserv check --shorter")}}
	case err == nil:
		err = checked(&f.File)
	}
	if err != nil {
		return File{}, err
	}
	return f, nil
}

// ReadShorter is Read of a file that may have lost its end, for Accept.
func ReadShorter(path string) (File, error) {
	f := File{read: stamp(path)}
	var err error
	if f.File, err = config.Read(path); err == nil {
		f.read.others = stamp(path, f.Config.Files()...).others
		err = checked(&f.File)
	}
	if err != nil {
		return File{}, err
	}
	return f, nil
}

// Accept notes that the file is to be taken as it was read, although it has lost its end. Its error means that nothing was changed.
func (f *File) Accept() error {
	files := config.RecordFiles(f.Path, f.Config)
	r := f.Record()
	r.Accepted = f.Sum()
	err := config.WriteRecord(files, r)
	if records, _ := config.ReadRecords(files); !accepted(&f.File, records) {
		return fmt.Errorf("cannot note that the file is accepted, and nothing was changed: %w", err)
	}
	if f.Blind = err; err != nil {
		f.Blind = fmt.Errorf("that the file is accepted is noted in one of two places, which is enough: %w", err)
	}
	return nil
}

// Touch is the signal to take the file up, its time of change: a running server sees it, and a launcher that waits for a
// change and then starts one.
func Touch(path string) error {
	now := time.Now()
	return signalError(os.Chtimes(path, now, now))
}

// CanTouch tells why Touch would fail, and changes nothing.
func CanTouch(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		err = os.Chtimes(path, time.Time{}, info.ModTime())
	}
	return signalError(err)
}

func signalError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot give the signal, which is the file's time of change: %w", err)
}

func checked(f *config.File) error {
	err := Check(f.Config)
	if err == nil {
		return nil
	}
	key, text, ok := strings.Cut(err.Error(), ": ")
	if !ok || strings.ContainsAny(key, " /") {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return f.Fault(key, text)
}

// Check finds the faults of a valid configuration that only a try shows: of Hermès' certificates, and of the field names
// in the push's template.
func Check(cfg *config.Config) error {
	o, err := pushOptions(cfg, zerolog.Nop())
	if err == nil {
		_, err = hermes.NewPush(o)
	}
	return err
}

// lostEnd tells whether the file has lost its end since the records were written, and which keys are missing.
func lostEnd(f *config.File, records []config.Record) (lost []string, is bool) {
	if !f.IsTOML() || accepted(f, records) {
		return nil, false
	}
	for _, r := range records {
		if lost = f.Outline.Lost(r.Outline); lost != nil {
			return lost, true
		}
		if f.IsCut(r) {
			return f.Outline.LostAmid(r.Outline), true
		}
	}
	return nil, false
}

func accepted(f *config.File, records []config.Record) bool {
	sum := f.Sum()
	return slices.ContainsFunc(records, func(r config.Record) bool { return r.Accepted == sum })
}

// alsoLost adds to what is wrong with a file that it has lost its end. No command accepts such a one.
func alsoLost(err error, f *config.File, lost []string) error {
	faults, ok := errors.AsType[*config.Error](err)
	if !ok || len(lost) == 0 {
		return err
	}
	return &config.Error{Problems: append(slices.Clone(faults.Problems), f.LostEnd(lost, ""))}
}
