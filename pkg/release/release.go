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
	for _, arch := range r.arches {
		if err := r.pack(ctx, arch, documents, installers); err != nil {
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

// pack builds the programs for one processor, and puts them into an archive and an installer.
func (r release) pack(ctx context.Context, arch string, documents []file, installers installerTool) error {
	folder := r.out
	if arch != "amd64" {
		folder = filepath.Join(r.out, arch)
	}
	var files []file
	for _, name := range programs {
		r.say(name + ", windows/" + arch)
		path, err := r.source.buildProgram(ctx, r.root, name, arch, folder)
		if err != nil {
			return err
		}
		if err := r.signer.sign(ctx, path); err != nil {
			return err
		}
		files = append(files, file{name + ".exe", path})
	}
	files = append(files, documents...)
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
	if err := installers.build(ctx, base+".msi", arch, r.source.version, files, icons); err != nil {
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
