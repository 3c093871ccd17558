package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

const (
	productName = "HNET SMPP Serv"
	companyName = "HNET"
)

// A signer signs with signtool where thumbprint is set, with osslsigncode where pfx is set, and else not at all.
type signer struct {
	thumbprint        string
	pfx, passwordFile string
	timestamp         string // URL
}

func (s signer) check() error {
	switch {
	case s.thumbprint != "" && s.pfx != "":
		return errors.New("--sign-thumbprint and --sign-pfx are both given; one certificate is enough")
	case s.thumbprint != "" && runtime.GOOS != "windows":
		return errors.New("--sign-thumbprint needs Windows' certificate store; here, use --sign-pfx")
	}
	_, err := s.command("")
	return err
}

// sign signs a program or an installer in its place.
func (s signer) sign(ctx context.Context, path string) error {
	args, err := s.command(path)
	if args == nil || err != nil {
		return err
	}
	if err := run(ctx, "", args...); err != nil {
		return err
	}
	if s.pfx != "" {
		return os.Rename(path+".signed", path) // osslsigncode does not write in place
	}
	return nil
}

// command is nil where nothing is to be signed.
func (s signer) command(path string) ([]string, error) {
	switch {
	case s.thumbprint != "":
		kits, err := filepath.Glob(filepath.Join(os.Getenv("ProgramFiles(x86)"), "Windows Kits", "10", "bin", "10.*", "x64"))
		if err != nil {
			return nil, err
		}
		slices.Reverse(kits) // the newest first
		signtool, err := tool{names: []string{"signtool"}, folders: kits, advice: "it is part of the Windows SDK"}.find()
		if err != nil {
			return nil, err
		}
		args := []string{signtool[0], "sign", "/sha1", s.thumbprint, "/fd", "sha256", "/d", productName}
		if s.timestamp != "" {
			args = append(args, "/tr", s.timestamp, "/td", "sha256")
		}
		return append(args, path), nil
	case s.pfx != "":
		osslsigncode, err := tool{names: []string{"osslsigncode"}, advice: "apt-get install osslsigncode"}.find()
		if err != nil {
			return nil, err
		}
		args := []string{osslsigncode[0], "sign", "-pkcs12", s.pfx, "-h", "sha256", "-n", productName}
		if s.passwordFile != "" {
			args = append(args, "-readpass", s.passwordFile)
		}
		if s.timestamp != "" {
			args = append(args, "-ts", s.timestamp)
		}
		return append(args, "-in", path, "-out", path+".signed"), nil
	}
	return nil, nil
}
