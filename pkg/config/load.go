package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hnetsmpp/pkg/tomlstrict"
)

// FileName is how the file is called where no --config names another.
const FileName = "config.toml"

// maxFileSize bounds what is read; some ten thousand clients fit.
const maxFileSize = 8 << 20

// Find returns the absolute path of the configuration file: explicit if it is
// not empty, else config.toml in the current folder, else the one that the
// service of this machine was installed with, else beside the program.
// service, which may be nil, names that of the service; "" = there is none.
// The error says where it looked.
func Find(explicit string, service func() string) (string, error) {
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
	beside := func(folder func() (string, error)) (path string, err error) {
		dir, err := folder()
		if err != nil {
			return "", nil
		}
		path = filepath.Join(dir, FileName)
		switch err := checkFile(path); {
		case slices.Contains(looked, path):
		case err == nil:
			return path, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("%s: %w", path, err)
		default:
			looked = append(looked, path)
		}
		return "", nil
	}
	if path, err := beside(os.Getwd); path != "" || err != nil {
		return path, err
	}
	if service != nil {
		if path := service(); path != "" {
			if err := checkFile(path); err != nil {
				return "", fmt.Errorf("%s, which the service was installed with: %w; name another one with --config PATH", path, err)
			}
			return path, nil
		}
	}
	if path, err := beside(programFolder); path != "" || err != nil {
		return path, err
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

// File is a configuration file as it was read.
type File struct {
	Path    string
	Config  *Config // its paths are absolute; nil = something is wrong with it
	Octets  []byte  // nil = it could not be read
	Outline Outline // empty where the text is not TOML
	lines   int     // 0 = the text is not TOML

	variables map[string][]string // of the environment, by the key whose text names them

	doc *tomlstrict.Document // nil = the text is not TOML
}

// Fault is what is wrong with a key, found by a try: with the file, and the key's line.
func (f *File) Fault(key, text string) error {
	if f.doc == nil {
		return &Error{Problems: []Problem{{File: f.Path, Key: key, Text: text}}}
	}
	return f.doc.Fault(Problem{Key: key, Text: text})
}

// IsTOML reports whether the text is TOML, whatever else may be wrong with it.
func (f *File) IsTOML() bool { return f.lines > 0 }

// Load reads and checks the file. Its error is an *Error with every problem
// found. In the Config that it returns, paths are absolute.
func Load(path string) (*Config, error) {
	f, err := Read(path)
	return f.Config, err
}

// Read is Load, and returns also what there is of a file that has a fault.
func Read(path string) (File, error) {
	data, err := readFile(path)
	if err != nil {
		return File{Path: path}, &Error{Problems: []Problem{{File: path, Text: err.Error()}}}
	}
	return parseFile(path, data)
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
	if _, err := tomlstrict.Read(data, &cfg, tomlstrict.Options{Text: substitute}); err != nil {
		return cfg.Launcher
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

// parseFile is Read without the disk; path serves the messages and as the place
// that relative paths start from.
func parseFile(path string, data []byte) (File, error) {
	f := File{Path: path, Octets: data}
	cfg := Default()
	f.variables = map[string][]string{}
	doc, err := tomlstrict.Read(data, &cfg, tomlstrict.Options{File: path, Secret: isSecret, Text: func(key, text string) (string, error) {
		meant, err := substitute(key, text)
		if meant != text {
			f.variables[key] = variablesIn(text)
		}
		return meant, err
	}})
	if err != nil {
		return f, err
	}
	f.Outline.Keys, f.Outline.Open = doc.Keys()
	f.Outline.Empty = doc.EndsInEmptyQuotes()
	f.lines, f.doc = doc.Lines(), doc
	cfg.resolveSecretPaths(filepath.Dir(path))
	secrets := checker{}
	secrets.readSecrets(&cfg, func(key string) bool { return slices.Contains(f.Outline.Keys, key) })
	cfg.resolvePaths(filepath.Dir(path))
	doc.Add(secrets.problems...)
	doc.Add(cfg.check()...)
	if err := doc.Err(); err != nil {
		return f, err
	}
	f.Config = &cfg
	return f, nil
}

// isSecret reports whether a key's value must not be shown.
func isSecret(key string) bool {
	name := key[strings.LastIndexByte(key, '.')+1:]
	return name == "password" || name == "outbind_password" || name == "encrypt_key" || name == "secret" || name == "token" || name == "webhook" || strings.Contains(key, ".headers.")
}

// resolvePaths makes every path absolute, starting from the file's folder.
func (c *Config) resolvePaths(dir string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	for _, path := range []*string{
		&c.Server.TLS.CertFile, &c.Server.TLS.KeyFile, &c.Server.TLS.ClientCAFile,
		&c.Admin.CertFile, &c.Admin.KeyFile,
		&c.Hermes.TLS.CAFile, &c.Hermes.TLS.CertFile, &c.Hermes.TLS.KeyFile,
		&c.Launcher.Worker,
	} {
		*path = resolve(dir, *path)
	}
	if c.Store.Driver == DriverSQLite && !isSQLiteURI(c.Store.DSN) && !isOfPostgres(c.Store.DSN) {
		c.Store.DSN = resolve(dir, c.Store.DSN)
	}
}

// resolveSecretPaths is resolvePaths for the files of secrets, one of which may hold the path of the database.
func (c *Config) resolveSecretPaths(dir string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	for _, s := range c.secrets() {
		*s.file = resolve(dir, *s.file)
	}
	for name, file := range c.Hermes.Request.HeadersFile {
		c.Hermes.Request.HeadersFile[name] = resolve(dir, file)
	}
}

func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
