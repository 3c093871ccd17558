package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/dotnet"
)

type importConfigCommand struct {
	Old    string `arg:"" name:"old" help:"The old file, such as SmppServerOpportunityService.exe.config; - is the standard input."`
	Output string `placeholder:"FILE" help:"Write this new file instead of the standard output. For Windows PowerShell, whose > spoils accents."`
	Force  bool   `help:"Let --output overwrite a file."`
}

// maxOldFile bounds what is read; real ones have a few KB.
const maxOldFile = 8 << 20

// Run writes nothing to the standard output where the old file is refused.
func (i importConfigCommand) Run(c *commandline.Console) error {
	name := filepath.Base(i.Old)
	if i.Old == "-" {
		name = "the standard input"
	}
	data, err := i.read(c.Stdin)
	if err != nil {
		return fmt.Errorf("cannot read the old file: %w", err)
	}
	result, err := dotnet.Import(name, data, centre.Check)
	if err != nil {
		return fmt.Errorf("%s: %w", i.Old, err)
	}
	file := "FILE"
	if i.Output == "" {
		_, err = io.WriteString(c.Stdout, result.TOML)
	} else {
		file = i.Output
		err = i.write(result.TOML)
	}
	if err != nil {
		return fmt.Errorf("cannot write the new file: %w", err)
	}
	for _, w := range result.Warnings {
		fmt.Fprintln(c.Stderr, "warning:", w)
	}
	fmt.Fprintf(c.Stderr, "%s: %d settings taken over, %d not; the new file says why. Now: smppserv check --config %s\n", name, result.Taken, result.Left, file)
	return nil
}

func (i importConfigCommand) read(stdin io.Reader) ([]byte, error) {
	if i.Old != "-" {
		f, err := os.Open(i.Old)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	data, err := io.ReadAll(io.LimitReader(stdin, maxOldFile+1))
	if err == nil && len(data) > maxOldFile {
		err = fmt.Errorf("%s is larger than %d MiB; is it the right file?", i.Old, maxOldFile>>20)
	}
	return data, err
}

func (i importConfigCommand) write(text string) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if i.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		old, err := os.Stat(i.Old)
		if output, outErr := os.Stat(i.Output); err == nil && outErr == nil && os.SameFile(old, output) {
			return fmt.Errorf("%s is the old file itself", i.Output)
		}
	}
	f, err := os.OpenFile(i.Output, flags, 0o600) // it holds a password
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; name another one, or add --force to overwrite it", i.Output)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
