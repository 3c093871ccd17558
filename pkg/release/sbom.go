package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbomName is the bill of materials: what is in the release, in CycloneDX' JSON.
const sbomName = "sbom.cdx.json"

// writeSBOM tells what the release is made of: the programs, each with its checksum and with the components that it says it is made
// of, the files that come with them, and the components. The same release makes the same file.
func (s source) writeSBOM(name string, built map[string]string, documents []file, all []component) error {
	product := &cdx.Component{BOMRef: "product", Type: cdx.ComponentTypeApplication, Name: productName, Version: s.version.text,
		Supplier: &cdx.OrganizationalEntity{Name: companyName}}
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.Metadata = &cdx.Metadata{Timestamp: s.date.Format(time.RFC3339), Component: product,
		Properties: &[]cdx.Property{{Name: "hnet:commit", Value: s.commit}}}
	parts := cdx.Dependency{Ref: product.BOMRef}
	dependencies := []cdx.Dependency{}
	var items []cdx.Component

	var names []string
	for program := range built {
		names = append(names, program)
	}
	slices.Sort(names)
	for _, program := range names {
		sum, err := sha256Of(built[program])
		if err != nil {
			return err
		}
		items = append(items, cdx.Component{BOMRef: program, Type: cdx.ComponentTypeApplication, Name: program, Version: s.version.text, Hashes: sum})
		*slot(&parts) = append(*slot(&parts), program)
		modules, err := linked(built[program])
		if err != nil {
			return err
		}
		made := cdx.Dependency{Ref: program}
		for _, c := range all {
			version, in := modules[c.name]
			switch {
			case in && version != c.version:
				return fmt.Errorf("%s is made with %s %s, its licence is that of %s", program, c.name, version, c.version)
			case in, strings.HasPrefix(c.url, "pkg:npm/") && strings.Contains(program, "smppserv"):
				*slot(&made) = append(*slot(&made), c.url)
			}
			delete(modules, c.name)
		}
		if len(modules) > 0 {
			return fmt.Errorf("%s is made with modules whose licences are not released: %v", program, modules)
		}
		dependencies = append(dependencies, made)
	}
	for _, f := range documents {
		sum, err := sha256Of(f.path)
		if err != nil {
			return err
		}
		items = append(items, cdx.Component{BOMRef: "file/" + f.name, Type: cdx.ComponentTypeFile, Name: f.name, Hashes: sum})
		*slot(&parts) = append(*slot(&parts), "file/"+f.name)
	}
	for _, c := range all {
		item := cdx.Component{BOMRef: c.url, Type: cdx.ComponentTypeLibrary, Name: c.name, Version: c.version, PackageURL: c.url,
			Licenses: &cdx.Licenses{{Expression: c.licence}}}
		if octets, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.sum, "h1:")); err == nil && c.sum != "" {
			item.Properties = &[]cdx.Property{{Name: "hnet:go.sum", Value: fmt.Sprintf("h1 %x", octets)}}
		}
		items = append(items, item)
		dependencies = append(dependencies, cdx.Dependency{Ref: c.url})
	}
	dependencies = append([]cdx.Dependency{parts}, dependencies...)
	bom.Components, bom.Dependencies = &items, &dependencies

	var body bytes.Buffer
	encode := func() error {
		body.Reset()
		return cdx.NewBOMEncoder(&body, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, bom.SpecVersion)
	}
	if err := encode(); err != nil {
		return err
	}
	bom.SerialNumber = "urn:uuid:" + strings.ToLower(uuid("sbom", fmt.Sprintf("%x", sha256.Sum256(body.Bytes()))))
	if err := encode(); err != nil {
		return err
	}
	return os.WriteFile(name, body.Bytes(), 0o644)
}

// slot is the list of what something depends on.
func slot(d *cdx.Dependency) *[]string {
	if d.Dependencies == nil {
		d.Dependencies = &[]string{}
	}
	return d.Dependencies
}

func sha256Of(name string) (*[]cdx.Hash, error) {
	data, err := os.ReadFile(filepath.Clean(name))
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(data))}}, err
}
