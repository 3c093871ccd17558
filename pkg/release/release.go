package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A release is one run: what is built, for which processors, and where it goes.
type release struct {
	root, out        string
	source           source
	arches           []string
	skipTests, noMSI bool
	signer           signer
	log              io.Writer
}

func (r release) run(ctx context.Context) error {
	documents, err := documents(r.root)
	if err != nil {
		return err
	}
	if err := r.signer.check(); err != nil {
		return err
	}
	var installers installerTool
	if !r.noMSI {
		if installers, err = findInstallerTool(ctx); err != nil {
			return err
		}
	}
	if err := emptyFolder(r.out); err != nil {
		return err
	}
	if !r.skipTests {
		if err := r.test(ctx); err != nil {
			return err
		}
	}
	r.say("files that are not built")
	if documents, err = copyFiles(r.out, documents); err != nil {
		return err
	}
	if _, err := copyFiles(r.out, []file{systemdUnit(r.root)}); err != nil {
		return err
	}
	r.say("licences")
	all, err := components(ctx, r.root, r.arches)
	if err != nil {
		return err
	}
	licences, err := writeLicences(r.out, all)
	if err != nil {
		return err
	}
	documents = append(documents, licences...)
	built := map[string][]file{} // by processor
	names := map[string]string{}
	for _, arch := range r.arches {
		if built[arch], err = r.build(ctx, arch); err != nil {
			return err
		}
		for _, f := range built[arch] {
			names[f.name+" windows/"+arch] = f.path
		}
	}
	r.say(sbomName)
	bill := file{sbomName, filepath.Join(r.out, sbomName)}
	if err := r.source.writeSBOM(bill.path, names, documents, all); err != nil {
		return err
	}
	documents = append(documents, bill)
	for _, arch := range r.arches {
		if err := r.pack(ctx, arch, append(built[arch], documents...), installers); err != nil {
			return err
		}
	}
	if err := writeSums(r.out); err != nil {
		return err
	}
	return r.report()
}

// test runs the tests of the whole module.
func (r release) test(ctx context.Context) error {
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		r.say("go " + args[0])
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = r.root, r.log, r.log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s: %w; nothing is released (--skip-tests, build.ps1 -SkipTests, leaves them out)", args[0], err)
		}
	}
	return nil
}

// build makes the programs for one processor.
func (r release) build(ctx context.Context, arch string) (files []file, err error) {
	folder := r.out
	if arch != "amd64" {
		folder = filepath.Join(r.out, arch)
	}
	for _, name := range programs {
		r.say(name + ", windows/" + arch)
		path, err := r.source.buildProgram(ctx, r.root, name, arch, folder)
		if err != nil {
			return nil, err
		}
		if err := r.signer.sign(ctx, path); err != nil {
			return nil, err
		}
		files = append(files, file{name + ".exe", path})
	}
	return files, nil
}

// pack puts what is released for one processor into an archive and an installer.
func (r release) pack(ctx context.Context, arch string, files []file, installers installerTool) error {
	base := filepath.Join(r.out, fmt.Sprintf("hnet-smpp-serv-%s-windows-%s", r.source.version.text, arch))
	r.say(filepath.Base(base) + ".zip")
	if err := writeZip(base+".zip", files, r.source.date); err != nil {
		return err
	}
	if r.noMSI {
		return nil
	}
	if !installers.makes(arch) {
		r.say("no installer for " + arch + ": " + installers.limit)
		return nil
	}
	r.say(filepath.Base(base) + ".msi")
	icons := filepath.Join(r.root, "pkg", "release", "winres")
	if err := installers.build(ctx, base+".msi", arch, r.source, files, icons); err != nil {
		return err
	}
	return r.signer.sign(ctx, base+".msi")
}

func (r release) say(step string) { fmt.Fprintln(r.log, "==", step) }

// report lists the packages, and says what no installer does.
func (r release) report() error {
	packages, err := filepath.Glob(filepath.Join(r.out, "hnet-smpp-serv-*"))
	if err != nil {
		return err
	}
	fmt.Fprintf(r.log, "\n%s %s, commit %s of %s\n", productName, r.source.version.text, r.source.commit, r.source.date.Format("2006-01-02"))
	for _, p := range packages {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.log, "%9.1f MB  %s\n", float64(info.Size())/1e6, p)
	}
	fmt.Fprint(r.log, "\nThe installer opens no port of the firewall. To open those of the shipped config.toml, in PowerShell as administrator:\n",
		firewallCommand, "\n")
	return nil
}

const firewallCommand = `New-NetFirewallRule -DisplayName "HNET SMPP Serv" -Direction Inbound -Protocol TCP -LocalPort 2346,18182 -Action Allow`
