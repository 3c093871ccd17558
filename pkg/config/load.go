package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/encoding/unicode"
)

// FileName is how the file is called where no --config names another.
const FileName = "config.toml"

// maxFileSize bounds what is read; some ten thousand clients fit.
const maxFileSize = 8 << 20

// Find returns the absolute path of the configuration file: explicit if it is
// not empty, else config.toml in the current folder, else beside the program.
// The error says where it looked.
func Find(explicit string) (string, error) {
	if explicit != "" {
		path, err := filepath.Abs(explicit)
		if err != nil {
			return "", fmt.Errorf("configuration file %s: %w", explicit, err)
		}
		if err := checkFile(path); err != nil {
			return "", fmt.Errorf("%s, named by --config: %w", path, err)
		}
		return path, nil
	}
	var looked []string
	for _, folder := range []func() (string, error){os.Getwd, programFolder} {
		dir, err := folder()
		if err != nil {
			continue
		}
		path := filepath.Join(dir, FileName)
		if slices.Contains(looked, path) {
			continue
		}
		err = checkFile(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		looked = append(looked, path)
	}
	return "", fmt.Errorf("no configuration file: looked for %s; name one with --config PATH", strings.Join(looked, " and "))
}

func programFolder() (string, error) {
	program, err := os.Executable()
	return filepath.Dir(program), err
}

func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return cannotRead(err)
	}
	if info.IsDir() {
		return errors.New("is a folder, not a file")
	}
	return nil
}

// Load reads and checks the file. Its error is an *Error with every problem
// found. In the Config that it returns, paths are absolute.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, problemError([]Problem{{File: path, Text: err.Error()}})
	}
	return parse(path, data)
}

// LoadLauncher is the [launcher] section alone, for the launcher that must run
// although something else in the file is wrong: whatever cannot be read is the
// default.
func LoadLauncher(path string) Launcher {
	cfg := Default()
	data, err := readFile(path)
	if err != nil {
		return cfg.Launcher
	}
	text, problem := decodeText(data)
	if problem != nil {
		return cfg.Launcher
	}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return cfg.Launcher
	}
	if section, ok := tree["launcher"]; ok {
		newBinder().bind("launcher", &cfg.Launcher, section) // leaves what has the wrong type
	}
	c := checker{}
	c.launcher(&cfg.Launcher)
	for _, p := range c.problems {
		resetLauncher(&cfg.Launcher, p.Key)
	}
	cfg.resolvePaths(filepath.Dir(path))
	return cfg.Launcher
}

// readFile does not name the file in its errors.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotRead(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, cannotRead(err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("is larger than %d MiB: is it the right file?", maxFileSize>>20)
	}
	return data, nil
}

// cannotRead takes the file's name off, which callers put before it.
func cannotRead(err error) error {
	var named *os.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// parse is Load without the disk; path serves the messages and as the place
// that relative paths start from.
func parse(path string, data []byte) (*Config, error) {
	text, problem := decodeText(data)
	if problem != nil {
		problem.File = path
		return nil, problemError([]Problem{*problem})
	}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, problemError([]Problem{syntaxProblem(path, err)})
	}

	cfg := Default()
	b := newBinder()
	b.bind("", &cfg, tree)
	cfg.resolvePaths(filepath.Dir(path))

	// A value of the wrong type was left at its default: no second complaint.
	problems := b.problems
	for _, p := range cfg.check() {
		if !b.complained(p.Key) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		locate(problems, path, indexLines(text))
		return nil, problemError(problems)
	}
	return &cfg, nil
}

// decodeText takes off what Windows editors put before or between the letters.
func decodeText(data []byte) (string, *Problem) {
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM) // PowerShell's > writes it, and Notepad's "Unicode"
	if decoded, err := utf16.NewDecoder().Bytes(data); err == nil {
		data = decoded
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", &Problem{Line: 1, Text: "the file is UTF-16 or binary; save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		line := 1
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return "", &Problem{Line: line, Text: "this line is not UTF-8; save the file as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}
	}
	return string(data), nil
}

func syntaxProblem(path string, err error) Problem {
	p := Problem{File: path, Line: 1, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		p.Line, p.Key, p.Text = max(1, syntax.Position.Line), syntax.LastKey, syntax.Message
	}
	switch {
	case isSecret(p.Key): // the library quotes what it stumbled over
		p.Text = "is not valid TOML; it must be text in quotes on one line, best in single quotes"
	case strings.HasPrefix(p.Text, "expected value but found"):
		p.Text = "has no valid value; after = comes a number, true, false, or text in quotes"
	case strings.Contains(p.Text, "escape"):
		p.Text += `; in a path write / or \\, or put it in single quotes`
	}
	return p
}

// isSecret reports whether a key's value must not be shown.
func isSecret(key string) bool {
	name := strings.TrimPrefix(key[len(parentKey(key)):], ".")
	return name == "password" || name == "outbind_password" || name == "secret" || name == "token" || strings.Contains(key, ".headers.")
}

// resolvePaths makes every path absolute, starting from the file's folder.
func (c *Config) resolvePaths(dir string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	for _, path := range []*string{
		&c.Server.TLS.CertFile, &c.Server.TLS.KeyFile, &c.Server.TLS.ClientCAFile,
		&c.Hermes.TLS.CAFile, &c.Hermes.TLS.CertFile, &c.Hermes.TLS.KeyFile,
		&c.Launcher.Worker,
	} {
		*path = resolve(dir, *path)
	}
	if c.Store.Driver == "sqlite" && !isSQLiteURI(c.Store.DSN) {
		c.Store.DSN = resolve(dir, c.Store.DSN)
	}
}

func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
