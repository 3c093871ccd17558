package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var testRoot = filepath.Join("..", "..")

// listed are the modules that the programs for Windows are linked from, as go list has them.
func listed(t *testing.T, arch string) []string {
	t.Helper()
	args := []string{"go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"}
	for _, name := range programs {
		args = append(args, "./"+name)
	}
	out, err := command{folder: testRoot, env: []string{"GOOS=windows", "GOARCH=" + arch, "CGO_ENABLED=0"}, args: args}.output(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(strings.ReplaceAll(out, " ", "@"))
	slices.Sort(lines)
	return slices.Compact(lines)
}

func TestTheLicenceOfAllThatIsLinkedIsReleased(t *testing.T) {
	all, err := components(t.Context(), testRoot, []string{"amd64", "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files, err := writeLicences(folder, all)
	if err != nil {
		t.Fatal(err)
	}
	released := map[string]string{}
	for i, c := range all {
		text, err := os.ReadFile(files[i].path)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) < 400 || !strings.HasPrefix(string(text), c.name+" "+c.version+"\r\n") || !strings.Contains(strings.ToLower(string(text)), "without warranty") &&
			!strings.Contains(strings.ToLower(string(text)), "as is") && !strings.Contains(strings.ToLower(string(text)), "as-is") {
			t.Errorf("%s is no licence:\n%.200s", files[i].name, text)
		}
		released[c.name+"@"+c.version] = files[i].name
	}
	for _, arch := range []string{"amd64", "arm64"} {
		modules := listed(t, arch)
		if len(modules) < 20 {
			t.Errorf("go list names %d modules", len(modules))
		}
		for _, m := range modules {
			if released[m] == "" {
				t.Errorf("%s is linked into the programs for %s, and its licence is not released", m, arch)
			}
		}
	}
	scripts, err := filepath.Glob(filepath.Join(testRoot, filepath.FromSlash(assets), "*.min.js"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	npm := 0
	for _, c := range all {
		if strings.HasPrefix(c.url, "pkg:npm/") {
			npm++
		}
	}
	if npm != len(scripts) {
		t.Errorf("%d scripts of others are in the page, and licences of %d", len(scripts), npm)
	}
	if released["std@"+strings.TrimPrefix(goVersion(t), "go")] == "" {
		t.Error("Go's own licence is not released")
	}
	list, err := os.ReadFile(files[len(files)-1].path)
	if err != nil {
		t.Fatal(err)
	}
	for name := range released {
		name, version, _ := strings.Cut(name, "@")
		if !strings.Contains(string(list), "\n"+name+" "+version+", ") {
			t.Errorf("the list does not have %s %s", name, version)
		}
	}
}

func goVersion(t *testing.T) string {
	t.Helper()
	out, err := command{args: []string{"go", "env", "GOVERSION"}}.output(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(out)[0]
}

func TestAComponentWithoutALicenceThatIsKnownIsNotReleased(t *testing.T) {
	text := filepath.Join(t.TempDir(), "LICENSE")
	writeFile(t, text, "All rights reserved. Nobody may copy this.")
	if id, err := spdxOf(component{name: "example.org/x", texts: []string{text}}); err == nil || !strings.Contains(err.Error(), "example.org/x") {
		t.Errorf("it counts as %q, %v", id, err)
	}
	for name, is := range map[string]bool{"LICENSE": true, "LICENCE.txt": true, "COPYING": true, "LICENSE-SQLITE": true, "NOTICE": true, "license.go": true, "README.md": false, "htmx.LICENSE": true, "licenses.tmpl": false} {
		if licenceName.MatchString(name) != is {
			t.Errorf("%s is a licence: %v", name, !is)
		}
	}
}

func TestTheBillOfMaterialsIsValidAndTheSameForTheSameRelease(t *testing.T) {
	s := testSource(t, "3.2.1")
	all, err := components(t.Context(), testRoot, []string{"amd64"})
	if err != nil {
		t.Fatal(err)
	}
	program, err := s.buildProgram(context.Background(), testRoot, "launcher", "amd64", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	document := filepath.Join(t.TempDir(), "README.md")
	writeFile(t, document, "read")
	var bodies [][]byte
	for _, name := range []string{"one.json", "two.json"} {
		name = filepath.Join(t.TempDir(), name)
		if err := s.writeSBOM(name, map[string]string{"launcher.exe windows/amd64": program}, []file{{"README.md", document}}, all); err != nil {
			t.Fatal(err)
		}
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	if !bytes.Equal(bodies[0], bodies[1]) {
		t.Error("two of the same release differ")
	}
	if err := validBOM(t, bodies[0]); err != nil {
		t.Error(err)
	}
	if err := validBOM(t, bytes.Replace(bodies[0], []byte(`"type": "library"`), []byte(`"type": "books"`), 1)); err == nil {
		t.Error("a bill with a component of no known type counts as valid")
	}

	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(bodies[0]), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range *bom.Components {
		names[c.Name+"@"+c.Version] = true
	}
	modules, err := linked(program)
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) < 5 {
		t.Errorf("the launcher is made of %v", modules)
	}
	for m, version := range modules {
		if !names[m+"@"+version] {
			t.Errorf("%s %s is in the launcher and not in the bill", m, version)
		}
	}
	if !names["README.md@"] || bom.Metadata.Component.Version != "3.2.1" || !strings.HasPrefix(bom.Metadata.Timestamp, "2026-11-24") {
		t.Errorf("the bill is of %+v", bom.Metadata)
	}

	without := slices.DeleteFunc(slices.Clone(all), func(c component) bool { return c.name == "github.com/rs/zerolog" })
	err = s.writeSBOM(filepath.Join(t.TempDir(), "x.json"), map[string]string{"launcher.exe": program}, nil, without)
	if err == nil || !strings.Contains(err.Error(), "github.com/rs/zerolog") {
		t.Errorf("with a module that has no licence: %v", err)
	}
}

// validBOM holds a bill against the schema of CycloneDX 1.6.
func validBOM(t *testing.T, body []byte) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6", "spdx", "jsf-0.82"} {
		text, err := os.ReadFile(filepath.Join("testdata", "cyclonedx", name+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = compiler.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return schema.Validate(v)
}
