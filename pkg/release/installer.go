package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"text/template"
)

//go:embed installer.wxs.tmpl
var installerSource string

// upgradeCode is what makes an installer the next version of an installed one. It never changes.
const upgradeCode = "8E0C6D1B-5B0C-4B57-9C39-4D1B0C3A7F52"

// An installerTool is WiX 3 (candle and light) or wixl.
type installerTool struct {
	candle, light  string
	wixl, msibuild string
	arm64          bool
	limit          string // why there is no installer for arm64
}

// findInstallerTool looks for WiX on Windows, and for wixl elsewhere.
func findInstallerTool(ctx context.Context) (installerTool, error) {
	if runtime.GOOS != "windows" {
		wixl, err := tool{names: []string{"wixl", "msibuild"}, advice: "apt-get install wixl msitools, or leave the installer out: --no-msi (build.ps1 -NoMsi)"}.find()
		if err != nil {
			return installerTool{}, err
		}
		return installerTool{wixl: wixl[0], msibuild: wixl[1], limit: "wixl cannot make it, WiX 3.14 on Windows can"}, nil
	}
	wix, err := tool{
		names:   []string{"candle", "light"},
		folders: []string{filepath.Join(os.Getenv("WIX"), "bin")}, // WIX is set by WiX' own installer
		advice:  "install WiX 3.14 (winget install WiXToolset.WiXToolset), or leave the installer out: --no-msi (build.ps1 -NoMsi)",
	}.find()
	if err != nil {
		return installerTool{}, err
	}
	help, err := command{args: []string{wix[0], "-?"}}.output(ctx)
	return installerTool{candle: wix[0], light: wix[1], arm64: strings.Contains(help, "version 3.14"), limit: "it takes WiX 3.14"}, err
}

func (t installerTool) makes(arch string) bool { return arch == "amd64" || t.arm64 }

// build makes the installer of one processor. The icons are winres/icon-*.png.
func (t installerTool) build(ctx context.Context, msi, arch string, from source, files []file, icons string) error {
	stage, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	copies, err := copyFiles(filepath.Join(stage, "files"), files)
	if err != nil {
		return err
	}
	for _, f := range copies { // the cabinet has their times
		if err := os.Chtimes(f.path, from.date, from.date); err != nil {
			return err
		}
	}
	icon, err := makeICO(icons)
	if err != nil {
		return err
	}
	content, err := contentOf(files)
	if err != nil {
		return err
	}
	p := newInstallerPackage(from.version, arch, content, files)
	source, err := p.source()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"app.ico": icon, "installer.wxs": source} {
		if err := os.WriteFile(filepath.Join(stage, name), data, 0o644); err != nil {
			return err
		}
	}
	built := filepath.Join(stage, "installer.msi")
	if t.wixl != "" {
		err = t.runWixl(ctx, stage, built, p)
	} else {
		err = t.runWiX(ctx, stage, built, arch)
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(built)
	if err == nil {
		err = dateSummary(data, from.date)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(msi, data, 0o644)
}

// runWiX leaves out light's validation, which works in an administrator's console only.
func (t installerTool) runWiX(ctx context.Context, stage, msi, arch string) error {
	platform := map[string]string{"amd64": "x64", "arm64": "arm64"}[arch]
	if err := run(ctx, stage, t.candle, "-nologo", "-arch", platform, "-out", "installer.wixobj", "installer.wxs"); err != nil {
		return err
	}
	return run(ctx, stage, t.light, "-nologo", "-sval", "-spdb", "-out", msi, "installer.wixobj")
}

func (t installerTool) runWixl(ctx context.Context, stage, msi string, p installerPackage) error {
	// a cabinet has local times
	if _, err := (command{folder: stage, env: []string{"TZ=UTC"}, args: []string{t.wixl, "-a", "x64", "-o", msi, "installer.wxs"}}).output(ctx); err != nil {
		return err
	}
	args := []string{t.msibuild, msi}
	for _, query := range p.wixlOmissions() {
		args = append(args, "-q", query)
	}
	args = append(args, "-s", productName, companyName, "x64;1033", "{"+p.PackageCode+"}") // msibuild 0.101 loses what follows -s
	return run(ctx, stage, args...)
}

// An installerPackage is what installer.wxs.tmpl is filled with.
type installerPackage struct {
	ProductCode, PackageCode, UpgradeCode string
	Version, Next, FileVersion            string
	ConfigGUID                            string
	Folders                               []installedFolder
	Files                                 []installedFile
}

type installedFolder struct{ ID, Parent, Name string }

type installedFile struct{ ID, GUID, Folder, Name, Source string }

const programFolder = "INSTALLDIR"

// newInstallerPackage lays files out. The shipped config.toml goes to Program Files too, for comparison with one's own.
func newInstallerPackage(v version, arch, content string, files []file) installerPackage {
	p := installerPackage{
		UpgradeCode: upgradeCode,
		Version:     v.numbers(),
		Next:        v.next(),
		FileVersion: v.file(),
		ConfigGUID:  uuid("ProgramData/config.toml"),
		// Another version is another product, and so is another build of a version: it replaces what is installed.
		ProductCode: uuid("product", v.text, arch, content),
		PackageCode: uuid("package", v.text, arch, content),
	}
	known := map[string]bool{}
	for _, f := range files {
		name := f.name
		if name == "config.toml" {
			name = "config.default.toml"
		}
		folder := p.folder(path.Dir(name), known)
		p.Files = append(p.Files, installedFile{ID: identifier(name), GUID: uuid(programFolder, name), Folder: folder, Name: path.Base(name), Source: f.name})
	}
	return p
}

// folder adds a folder and those above it, and returns its identifier.
func (p *installerPackage) folder(name string, known map[string]bool) string {
	if name == "." {
		return programFolder
	}
	id := identifier("folder/" + name)
	if !known[id] {
		known[id] = true
		parent := p.folder(path.Dir(name), known)
		p.Folders = append(p.Folders, installedFolder{ID: id, Parent: parent, Name: path.Base(name)})
	}
	return id
}

var parsedInstaller = template.Must(template.New("installer.wxs").Parse(installerSource))

// source is the package as WiX source.
func (p installerPackage) source() ([]byte, error) {
	for _, f := range p.Files {
		if !plainName.MatchString(f.Source) {
			return nil, fmt.Errorf("the installer cannot hold %q: use letters, digits, point, hyphen and underscore", f.Source)
		}
	}
	var out bytes.Buffer
	err := parsedInstaller.Execute(&out, p)
	return out.Bytes(), err
}

var (
	plainName    = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)
	notForAnID   = regexp.MustCompile(`[^A-Za-z0-9._]`)
	uuidOfSource = regexp.MustCompile(`^(.{8})(.{4})(.{4})(.{4})(.{12}).*$`)
)

// identifier makes one of Windows Installer from a name.
func identifier(name string) string {
	return notForAnID.ReplaceAllString(strings.ReplaceAll(name, "/", "."), "_")
}

// uuid is of version 5: the same name has the same UUID always, on every machine.
func uuid(name ...string) string {
	sum := sha1.Sum([]byte(upgradeCode + "/" + strings.Join(name, "/")))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return strings.ToUpper(uuidOfSource.ReplaceAllString(fmt.Sprintf("%x", sum), "$1-$2-$3-$4-$5"))
}

// contentOf is a checksum over names and contents.
func contentOf(files []file) (string, error) {
	hash := sha256.New()
	for _, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %x\n", f.name, sha256.Sum256(data))
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}
