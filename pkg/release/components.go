package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// A component is something of others that is in what is released.
type component struct {
	name, version string
	url           string   // a package URL, purl
	sum           string   // of a Go module: what go.sum has of it
	licence       string   // its SPDX expression
	texts         []string // the files of its licence
}

// file is the name under which its licence is released.
func (c component) file() string {
	return path.Join("licenses", regexp.MustCompile(`[^A-Za-z0-9.-]+`).ReplaceAllString(c.name, "_")+".txt")
}

// components are all of them: the modules that are linked into the programs for these processors, Go itself, and the files of the
// operators' page that come from npm.
func components(ctx context.Context, root string, arches []string) ([]component, error) {
	found := map[string]component{}
	for _, arch := range arches {
		if err := goModules(ctx, root, arch, found); err != nil {
			return nil, err
		}
	}
	pages, err := pageFiles(root)
	if err != nil {
		return nil, err
	}
	self, err := goItself(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range append(pages, self) {
		found[c.name] = c
	}
	var all []component
	for _, c := range found {
		if len(c.texts) == 0 {
			return nil, fmt.Errorf("%s %s comes without the text of a licence, and cannot be released", c.name, c.version)
		}
		if c.licence, err = spdxOf(c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// goModules adds the modules of the programs.
func goModules(ctx context.Context, root, arch string, found map[string]component) error {
	list := command{folder: root, env: []string{"GOOS=windows", "GOARCH=" + arch, "CGO_ENABLED=0"},
		args: []string{"go", "list", "-deps", "-json=Dir,Module"}}
	for _, name := range programs {
		list.args = append(list.args, "./"+name)
	}
	out, err := list.output(ctx)
	if err != nil {
		return err
	}
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p struct {
			Dir    string
			Module *struct {
				Path, Version, Dir, Sum string
				Main                    bool
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		m := p.Module
		if m == nil || m.Main {
			continue
		}
		c, known := found[m.Path]
		if !known {
			c = component{name: m.Path, version: m.Version, sum: m.Sum, url: "pkg:golang/" + m.Path + "@" + m.Version}
		}
		for folder := p.Dir; ; folder = filepath.Dir(folder) { // a package may bear a licence of its own
			texts, err := licenceFiles(folder)
			if err != nil {
				return err
			}
			for _, text := range texts {
				if !slices.Contains(c.texts, text) {
					c.texts = append(c.texts, text)
				}
			}
			if folder == m.Dir || len(folder) <= len(m.Dir) {
				break
			}
		}
		found[m.Path] = c
	}
}

// licenceName are the files that say on which conditions something may be handed on.
var licenceName = regexp.MustCompile(`(?i)^(?:(?:licen[sc]e|copying|notice|patents|unlicense)(?:[-._].*)?|.*[._-]licen[sc]e)$`)

func licenceFiles(folder string) (paths []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if e.Type().IsRegular() && licenceName.MatchString(e.Name()) && path.Ext(e.Name()) != ".go" {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, err
}

// goItself is the runtime and the standard library, which are linked into each program.
func goItself(ctx context.Context) (component, error) {
	out, err := command{args: []string{"go", "env", "GOVERSION", "GOROOT"}}.output(ctx)
	version, goroot, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if err != nil {
		return component{}, err
	}
	texts, err := licenceFiles(strings.TrimSpace(goroot))
	if len(texts) == 0 && err == nil && runtime.GOOS == "linux" { // Debian keeps it elsewhere
		texts, err = filepath.Glob("/usr/share/doc/golang-*/copyright")
	}
	version, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(version), "go"), " ")
	return component{name: "std", version: version, url: "pkg:golang/std@" + version, texts: texts}, err
}

// assets is where the files of the operators' page lie; of those that come from npm the licence lies beside them.
const assets = "smppserv/admin/page/assets"

// npmRow is a line of docs/dependencies.md: | htmx.org 2.0.11 (0BSD) | `smppserv/admin/page/assets/htmx.min.js` | …
var npmRow = regexp.MustCompile("(?m)^\\| ([a-z0-9.@/-]+) ([0-9.]+) \\([^)]+\\) \\| `" + assets + "/([a-z]+)\\.")

func pageFiles(root string) (all []component, err error) {
	folder := filepath.Join(root, filepath.FromSlash(assets))
	texts, err := licenceFiles(folder)
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		return nil, err
	}
	for _, m := range npmRow.FindAllStringSubmatch(string(table), -1) {
		c := component{name: m[1], version: m[2], url: "pkg:npm/" + m[1] + "@" + m[2]}
		for _, text := range texts {
			if filepath.Base(text) == m[3]+".LICENSE" {
				c.texts = append(c.texts, text)
			}
		}
		all = append(all, c)
	}
	minified, err := filepath.Glob(filepath.Join(folder, "*.min.js"))
	if err == nil && (len(all) != len(texts) || len(all) != len(minified)) {
		err = fmt.Errorf("%s has %d scripts of others and %d licences, docs/dependencies.md names %d", assets, len(minified), len(texts), len(all))
	}
	return all, err
}

// licences are told by words that stand in the text of each. The order counts: a text of several bears them all.
var licences = []struct{ id, words string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"BSD-3-Clause", "redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions are met .* neither the name"},
	{"BSD-2-Clause", "redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions are met"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files"},
	{"ISC", "permission to use, copy, modify, and(?:/or)? distribute this software for any purpose with or without fee is hereby granted, provided that"},
	{"0BSD", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted\\."},
	{"Zlib", "altered source versions must be plainly marked as such"},
	{"blessing", "may you do good and not evil"},
}

// notLetters is what licences are compared without.
var notLetters = regexp.MustCompile(`[^a-z0-9,.()/]+`)

// spdxOf reads the texts of a component's licence.
func spdxOf(c component) (string, error) {
	var ids []string
	for _, name := range c.texts {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		text := notLetters.ReplaceAllString(strings.ToLower(string(data)), " ")
		for _, l := range licences {
			if l.id == "BSD-2-Clause" && slices.Contains(ids, "BSD-3-Clause") || slices.Contains(ids, l.id) {
				continue
			}
			if regexp.MustCompile(l.words).MatchString(text) {
				ids = append(ids, l.id)
			}
		}
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("the licence of %s %s is not known: read %s, and add its words to the table", c.name, c.version, strings.Join(c.texts, ", "))
	}
	slices.Sort(ids)
	return strings.Join(ids, " AND "), nil
}

// writeLicences writes a file for each component, and one that lists them.
func writeLicences(folder string, all []component) (files []file, err error) {
	var list strings.Builder
	list.WriteString("What is in the programs of HNET SMPP Serv beside its own, and on which conditions.\r\nThe texts are in the files named.\r\n\r\n")
	for _, c := range all {
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s\r\n", c.name, c.version)
		slices.Sort(c.texts)
		for _, name := range c.texts {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&text, "\r\n---- %s\r\n\r\n%s\r\n", filepath.Base(name), strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n", "\r\n"))
		}
		fmt.Fprintf(&list, "%s %s, %s: %s\r\n", c.name, c.version, c.licence, path.Base(c.file()))
		files = append(files, file{c.file(), filepath.Join(folder, filepath.FromSlash(c.file()))})
		if err := writeUnder(files[len(files)-1].path, text.String()); err != nil {
			return nil, err
		}
	}
	index := file{"licenses/LIST.txt", filepath.Join(folder, "licenses", "LIST.txt")}
	return append(files, index), writeUnder(index.path, list.String())
}

func writeUnder(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// linked are the modules that a built program says that it is made of, by their paths, with their versions.
func linked(program string) (map[string]string, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("what %s is made of: %w", program, err)
	}
	version, _, _ := strings.Cut(info.GoVersion, " ") // experiments follow
	modules := map[string]string{"std": strings.TrimPrefix(version, "go")}
	for _, m := range info.Deps {
		modules[m.Path] = m.Version // also where another folder takes its place, as go list has it
	}
	return modules, nil
}
