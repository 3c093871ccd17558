package main

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSameFilesAndDateMakeTheSameZip(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "launcher.exe"), "program")
	writeFile(t, filepath.Join(folder, "docs", "fr", "a.md"), "texte")
	files := []file{
		{"launcher.exe", filepath.Join(folder, "launcher.exe")},
		{"docs/fr/a.md", filepath.Join(folder, "docs", "fr", "a.md")},
	}
	date := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	var first []byte
	for _, name := range []string{"one", "two"} {
		archive := filepath.Join(t.TempDir(), "hnet-1.0.0.zip")
		if err := writeZip(archive, files, date); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if !bytes.Equal(first, data) {
			t.Errorf("the archive %s differs from the first", name)
		}
		slices.Reverse(files)
		now := time.Now()
		if err := os.Chtimes(files[0].path, now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
		if !f.Modified.Equal(date) {
			t.Errorf("%s is of %v, want %v", f.Name, f.Modified, date)
		}
	}
	if want := []string{"hnet-1.0.0/docs/fr/a.md", "hnet-1.0.0/launcher.exe"}; !slices.Equal(names, want) {
		t.Errorf("the archive holds %v, want %v", names, want)
	}
}

func TestFolderThatNoReleaseMadeIsNotEmptied(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dist")
	if err := emptyFolder(folder); err != nil {
		t.Fatalf("a folder that is not there: %v", err)
	}
	writeFile(t, filepath.Join(folder, "arm64", "old.exe"), "old")
	if err := emptyFolder(folder); err != nil {
		t.Fatalf("a folder of ours: %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 || entries[0].Name() != mark {
		t.Errorf("after it was emptied it holds %v, %v", entries, err)
	}
	foreign := t.TempDir()
	letter := filepath.Join(foreign, "letter.txt")
	writeFile(t, letter, "dear")
	if err := emptyFolder(foreign); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("a folder of somebody else: error %v, want one that tells of --out", err)
	}
	if _, err := os.Stat(letter); err != nil {
		t.Errorf("a file of somebody else is gone: %v", err)
	}
}

func TestSumsNameEveryFileOfTheRelease(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, mark), markText)
	writeFile(t, filepath.Join(folder, "arm64", "launcher.exe"), "abc")
	writeFile(t, filepath.Join(folder, "README.md"), "")
	if err := writeSums(folder); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(folder, sums))
	if err != nil {
		t.Fatal(err)
	}
	want := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  README.md\n" +
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  arm64/launcher.exe\n"
	if string(got) != want {
		t.Errorf("the sums are\n%s, want\n%s", got, want)
	}
}

// What the documents point to must be in the release too.
func TestLinksBetweenReleasedDocumentsLeadSomewhere(t *testing.T) {
	files, err := documents("../..")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		names[f.name] = true
	}
	code := regexp.MustCompile("(?ms)^```.*?^```|^    .*?$|`[^`\n]*`")
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	for _, f := range files {
		if path.Ext(f.name) != ".md" {
			continue
		}
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(code.ReplaceAll(text, nil), -1) {
			target := string(m[1])
			if !strings.Contains(target, ":") && !names[path.Join(path.Dir(f.name), target)] {
				t.Errorf("%s links to %s, which is not in the release", f.name, target)
			}
		}
	}
}

func TestReleaseWithoutOneOfItsFilesNamesIt(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "config.toml"), "")
	writeFile(t, filepath.Join(root, "README.md"), "")
	if _, err := documents(root); err == nil || !strings.Contains(err.Error(), "Smpp.xml belongs to the release") {
		t.Errorf("error %v, want one that names Smpp.xml", err)
	}
}

func TestCommandLineThatIsNotUnderstoodIsRefused(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--arch 386", "neither amd64 nor arm64"},
		{"--version 1", "is not of the form"},
		{"dist", `"dist" is not understood`},
	} {
		err := start(context.Background(), strings.Fields(c.args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.args, err, c.want)
		}
	}
}
