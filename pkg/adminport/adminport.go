// Package adminport finds the admin port of the server that runs on this machine, for its commands.
package adminport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/running"
)

// ErrOff means that the server has no admin port.
var ErrOff = errors.New("the running server has no port for its commands: set admin.listen in config.toml and restart it")

// Of is the admin port of a server that runs here. It is asked with the server's token, unless a user is given.
func Of(s *running.Server, login adminapi.Login) (*adminapi.Remote, error) {
	address := running.Reachable(s.Admin)
	if address == "" {
		return nil, ErrOff
	}
	if login.User == "" {
		login.Token = s.Token
	}
	if s.AdminCert == "" {
		return adminapi.NewRemote("http://"+address, login, nil), nil
	}
	return adminapi.NewRemote("https://"+address, login, Trust(s.AdminCert)), nil
}

// At is the admin port at host:port, which is taken for plain HTTP, or at a URL.
func At(address string, login adminapi.Login) (*adminapi.Remote, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%.200q is neither HOST:PORT nor a URL like https://server:8346", address)
	}
	return adminapi.NewRemote(u.Scheme+"://"+u.Host, login, nil), nil
}

// Trust takes the certificate of a file for the server's, whatever name it bears and whoever signed it: the file is the server's own.
// It serves for the server's other ports, too. One that the server has renewed since must be good for the system, or signed by what the file holds.
func Trust(file string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(c tls.ConnectionState) error { // verified here
		own := certificates(file)
		if len(own) > 0 && bytes.Equal(own[0].Raw, c.PeerCertificates[0].Raw) {
			return nil
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		for _, cert := range own {
			roots.AddCert(cert)
		}
		between := x509.NewCertPool()
		for _, cert := range c.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		if _, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: c.ServerName}); err != nil {
			if file == "" {
				return fmt.Errorf("the certificate that answers is none that this machine trusts: %w", err)
			}
			return fmt.Errorf("the certificate that answers is neither that of %s nor one that this machine trusts: %w", file, err)
		}
		return nil
	}}
}

// certificates are those of a PEM file, none where it cannot be read.
func certificates(file string) (all []*x509.Certificate) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for block := (*pem.Block)(nil); ; {
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, cert)
		}
	}
}
