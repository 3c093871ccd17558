package main

import (
	"context"
	"debug/pe"
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// Types of resources, winuser.h.
const (
	resourceIcon      = 3
	resourceGroupIcon = 14
	resourceVersion   = 16
	resourceManifest  = 24
)

func testSource(t *testing.T, versionText string) source {
	t.Helper()
	v, err := parseVersion(versionText)
	if err != nil {
		t.Fatal(err)
	}
	return source{version: v, commit: "0123456789ab", date: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
}

// resources returns the types of resources that a program has, and its section of resources.
func resources(t *testing.T, program *pe.File) (types []int, data []byte) {
	t.Helper()
	section := program.Section(".rsrc")
	if section == nil {
		t.Fatal("the program has no resources")
	}
	data, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	// IMAGE_RESOURCE_DIRECTORY: two counts of entries at 12, then entries of 8 octets, each a type and a place.
	count := int(binary.LittleEndian.Uint16(data[12:])) + int(binary.LittleEndian.Uint16(data[14:]))
	for i := range count {
		types = append(types, int(binary.LittleEndian.Uint32(data[16+8*i:])))
	}
	return types, data
}

func TestProgramsCarryVersionIconAndManifest(t *testing.T) {
	s := testSource(t, "3.2.1-rc.4")
	for arch, machine := range map[string]uint16{"amd64": pe.IMAGE_FILE_MACHINE_AMD64, "arm64": pe.IMAGE_FILE_MACHINE_ARM64} {
		if arch == "arm64" && testing.Short() { // all that is linked would be compiled for it
			continue
		}
		path, err := s.buildProgram(context.Background(), filepath.Join("..", ".."), "launcher", arch, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		program, err := pe.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = program.Close() }()
		if program.Machine != machine {
			t.Errorf("%s: machine %#x, want %#x", arch, program.Machine, machine)
		}
		types, data := resources(t, program)
		if want := []int{resourceIcon, resourceGroupIcon, resourceVersion, resourceManifest}; !slices.Equal(types, want) {
			t.Errorf("%s: resources of types %v, want %v", arch, types, want)
		}
		for _, text := range []string{
			"CompanyName", "HNET", "FileDescription", "HNET SMPP Serv launcher", "FileVersion", "3.2.1.0", "LegalCopyright",
			"OriginalFilename", "launcher.exe", "ProductName", "HNET SMPP Serv", "ProductVersion", "3.2.1-rc.4",
		} {
			if !strings.Contains(string(data), utf16Text(text)) {
				t.Errorf("%s: the resources do not hold %q", arch, text)
			}
		}
		for _, text := range []string{">UTF-8</activeCodePage>", ">true</longPathAware>", `level="asInvoker"`, "\x89PNG"} {
			if !strings.Contains(string(data), text) {
				t.Errorf("%s: the resources do not hold %q", arch, text)
			}
		}
		var rdata []byte
		if section := program.Section(".rdata"); section != nil {
			rdata, _ = section.Data()
		}
		for _, text := range []string{"3.2.1-rc.4", "0123456789ab", "2026-11-24T10:00:00Z"} {
			if !strings.Contains(string(rdata), text) {
				t.Errorf("%s: the program does not know %s", arch, text)
			}
		}
	}
}

// utf16Text is the text as resources hold it.
func utf16Text(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text + "\x00")) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}
