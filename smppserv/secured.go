package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"hnetsmpp/pkg/adminport"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/running"
)

// secured are the flags of commands that can speak TLS.
type secured struct {
	TLS  bool   `help:"Speak TLS, with the port that does."`
	CA   string `name:"tls-ca" placeholder:"FILE" help:"The authorities that may have signed the server's certificate, PEM. Default: that certificate itself, as config.toml names it, and the authorities of this machine."`
	Cert string `name:"tls-cert" placeholder:"FILE" help:"The certificate to show, PEM, where the server demands one."`
	Key  string `name:"tls-key" placeholder:"FILE" help:"Its key, PEM."`
}

// port is the one to speak TLS with, "" where that is not asked for: where a server runs it listens at runs, "" = none does. table is that of the port's settings.
func (s secured) port(addr, runs, host, table string, p config.PortTLS) (string, error) {
	switch {
	case !s.TLS && (s.CA != "" || s.Cert != "" || s.Key != ""):
		return "", errors.New("--tls-ca, --tls-cert and --tls-key go with --tls")
	case !s.TLS:
		return "", nil
	case addr != "":
		return addr, nil
	case running.Reachable(runs) != "":
		return running.Reachable(runs), nil
	case p.ListenPort == 0:
		return "", fmt.Errorf("%s.listen_port is 0: this server has no such port that speaks TLS", table)
	}
	return loopback(host, p.ListenPort), nil
}

// config is how TLS is spoken with the server at an address, whose certificate is in ownCert if it is this machine's; nil = it is not.
func (s secured) config(addr, ownCert string) (*tls.Config, error) {
	if !s.TLS {
		return nil, nil
	}
	conf := adminport.Trust(ownCert)
	if s.CA != "" {
		pem, err := os.ReadFile(s.CA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		conf = &tls.Config{RootCAs: x509.NewCertPool()}
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no certificate", s.CA)
		}
	}
	if s.Cert != "" || s.Key != "" {
		cert, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	conf.MinVersion = tls.VersionTLS12
	conf.ServerName, _, _ = net.SplitHostPort(addr)
	return conf, nil
}

// fault says in words why TLS was not agreed upon with the server at an address; nil = that was not it.
func (s secured) fault(addr string, err error) error {
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case !s.TLS:
	case errors.As(err, &verification):
		return fmt.Errorf("the certificate of %s is not trusted: %w; --tls-ca names who may have signed it, and --addr its server by the name that it bears", addr, verification.Err)
	case errors.As(err, &header):
		return fmt.Errorf("%s does not speak TLS: leave --tls out, or name the port that does", addr)
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("%s broke TLS off (%w): where it demands a certificate, give one with --tls-cert and --tls-key", addr, op.Err)
	}
	return nil
}
