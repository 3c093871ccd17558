package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestProgramsAndInstallersAreSigned(t *testing.T) {
	if _, err := exec.LookPath("osslsigncode"); err != nil {
		missing(t, "osslsigncode", "apt-get install osslsigncode")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		missing(t, "openssl", "apt-get install openssl")
	}
	folder := t.TempDir()
	ctx := context.Background()
	for _, args := range []string{
		"req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=HNET-test -addext extendedKeyUsage=codeSigning -keyout key.pem -out cert.pem",
		"pkcs12 -export -inkey key.pem -in cert.pem -out sign.pfx -passout pass:secret",
	} {
		if err := run(ctx, folder, append([]string{"openssl"}, strings.Fields(args)...)...); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(folder, "password"), "secret")
	s := signer{pfx: filepath.Join(folder, "sign.pfx"), passwordFile: filepath.Join(folder, "password")}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}

	source := testSource(t, "1.0.0")
	program, err := source.buildProgram(ctx, filepath.Join("..", ".."), "launcher", "amd64", folder)
	if err != nil {
		t.Fatal(err)
	}
	signed := []string{program}
	if tools, err := findInstallerTool(ctx); err == nil {
		msi := filepath.Join(folder, "installer.msi")
		if err := tools.build(ctx, msi, "amd64", source, payload(t), "winres"); err != nil {
			t.Fatal(err)
		}
		signed = append(signed, msi)
	}
	for _, path := range signed {
		if err := s.sign(ctx, path); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("osslsigncode", "verify", "-CAfile", filepath.Join(folder, "cert.pem"), "-in", path).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "HNET-test") || !strings.Contains(string(out), "Signature verification: ok") {
			t.Errorf("%s: %v\n%s", filepath.Base(path), err, out)
		}
	}
}

func TestSigningThatIsNotClearIsRefused(t *testing.T) {
	if err := (signer{thumbprint: "A0", pfx: "a.pfx"}).check(); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("two certificates: error %v", err)
	}
	if err := (signer{thumbprint: "A0"}).check(); runtime.GOOS != "windows" && (err == nil || !strings.Contains(err.Error(), "--sign-pfx")) {
		t.Errorf("Windows' certificate store elsewhere: error %v", err)
	}
	if err := (signer{}).check(); err != nil {
		t.Errorf("no certificate: %v", err)
	}
}
