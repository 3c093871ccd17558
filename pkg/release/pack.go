package main

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file of the release: its name in the packages (with slashes), and where it is now.
type file struct{ name, path string }

// documents are the files of a release that are not built. The documentation keeps its folders, so that its links work.
func documents(root string) ([]file, error) {
	files := []file{
		{"config.toml", filepath.Join(root, "config.toml")},
		{"Smpp.xml", filepath.Join(root, "hermes", "Smpp.xml")},
		{"README.md", filepath.Join(root, "README.md")},
		{"SECURITY.md", filepath.Join(root, "SECURITY.md")},
	}
	err := fs.WalkDir(os.DirFS(root), "docs", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, file{name, filepath.Join(root, filepath.FromSlash(name))})
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range files {
		if _, err := os.Stat(f.path); err != nil {
			return nil, fmt.Errorf("%s belongs to the release: %w", f.name, err)
		}
	}
	return files, nil
}

// systemdUnit is for those who build the programs for Linux, and lies beside the packages for Windows.
func systemdUnit(root string) file {
	const name = "HNET_SMPP_Serv.service"
	return file{name, filepath.Join(root, "launcher", "service", name)}
}

const (
	mark     = ".release"
	markText = "This folder is made by go run ./pkg/release, which empties it each time.\n"
	sums     = "SHA256SUMS"
)

// emptyFolder makes the folder, or empties it if a release has made it.
func emptyFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(folder, mark)); err != nil {
			return fmt.Errorf("%s holds files that no release has put there; name another folder with --out, or empty it yourself", folder)
		}
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return fmt.Errorf("empty the folder of the last release: %w", err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, mark), []byte(markText), 0o644)
}

// copyFiles copies files into a folder, and returns where they are now.
func copyFiles(folder string, files []file) ([]file, error) {
	var copies []file
	for _, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(folder, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return nil, err
		}
		copies = append(copies, file{f.name, to})
	}
	return copies, nil
}

// writeZip packs files into one top folder, named after the archive. The same files and date make the same archive.
func writeZip(archive string, files []file, date time.Time) (err error) {
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	top := strings.TrimSuffix(filepath.Base(archive), ".zip")
	files = slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.name, b.name) })
	for _, f := range files {
		header := &zip.FileHeader{Name: path.Join(top, f.name), Method: zip.Deflate, Modified: date}
		if strings.HasSuffix(f.name, ".exe") {
			header.SetMode(0o755)
		} else {
			header.SetMode(0o644)
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		if _, err := entry.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeSums writes the checksums of all that is in the folder, in the form that sha256sum -c reads.
func writeSums(folder string) error {
	var lines strings.Builder
	err := filepath.WalkDir(folder, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == mark {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, p)
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(data), filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, sums), []byte(lines.String()), 0o644)
}
