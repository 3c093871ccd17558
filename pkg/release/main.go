// Release builds the programs for Windows and packs what an administrator gets:
//
//	go run ./pkg/release
//
// leaves in dist/ the programs for amd64 (those for arm64 in dist/arm64/), config.toml, Hermès' provider plugin, the
// documentation, the licences of what others have written of it (licenses/), a bill of materials (sbom.cdx.json), a .zip for each
// processor, the installer (.msi), and SHA256SUMS. The same source makes the same files, but for signatures. build.ps1 calls it on
// Windows.
//
// The steps are those of release.run, in its order: tests, files, licences, programs (build, resources, signature), bill of
// materials, archives, installer (built, signed), checksums. The first one that fails ends it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if err != flag.ErrHelp {
			fmt.Fprintln(os.Stderr, "release:", err)
		}
		os.Exit(1)
	}
}

// start is main, without the process around it.
func start(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var r release
	var givenVersion, arches string
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&givenVersion, "version", "", "the release's `VERSION`, such as 1.4.0; by default that of the newest git tag v*, else "+firstVersion)
	flags.StringVar(&r.out, "out", "dist", "the `FOLDER` to fill; it is emptied first")
	flags.StringVar(&arches, "arch", "amd64,arm64", "the processors, a `LIST`")
	flags.BoolVar(&r.skipTests, "skip-tests", false, "do not run the tests")
	flags.BoolVar(&r.noMSI, "no-msi", false, "make no installer")
	flags.StringVar(&r.signer.thumbprint, "sign-thumbprint", "", "sign with the certificate of this `THUMBPRINT` in Windows' store (signtool)")
	flags.StringVar(&r.signer.pfx, "sign-pfx", "", "sign with the certificate and key of this `FILE` (osslsigncode)")
	flags.StringVar(&r.signer.passwordFile, "sign-password-file", "", "the `FILE` that holds the password of --sign-pfx")
	flags.StringVar(&r.signer.timestamp, "sign-timestamp", "http://timestamp.digicert.com", "the `URL` of the server that dates signatures; empty: signatures end with the certificate")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not understood; --help shows what is", flags.Arg(0))
	}
	for _, arch := range strings.Split(arches, ",") {
		if arch != "amd64" && arch != "arm64" {
			return fmt.Errorf("--arch: %q is neither amd64 nor arm64", arch)
		}
		r.arches = append(r.arches, arch)
	}
	r.log = stdout
	var err error
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if r.root, err = moduleRoot(ctx); err != nil {
		return err
	}
	if r.source, err = readSource(ctx, r.root, givenVersion, stderr); err != nil {
		return err
	}
	return r.run(ctx)
}
