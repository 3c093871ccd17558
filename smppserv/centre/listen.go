package centre

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"hnetsmpp/pkg/config"
)

// listenSMPP opens the SMPP port, and the one that speaks TLS if there is one. They accept connections at once, which wait
// until they are served.
func (mc *centre) listenSMPP(s config.Server) (plain, secure net.Listener, err error) {
	if plain, err = listen(s.ListenHost, s.ListenPort, "server.listen_port"); err != nil || s.TLS.ListenPort == 0 {
		return plain, nil, err
	}
	conf, err := tlsConfig("server.tls", s.TLS)
	if err != nil {
		return plain, nil, err
	}
	if secure, err = listen(s.ListenHost, s.TLS.ListenPort, "server.tls.listen_port"); err != nil {
		return plain, nil, err
	}
	mc.secureConf.Store(conf)
	return plain, secure, nil
}

// following has each connection served with what is there now.
func following(conf *atomic.Pointer[tls.Config]) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return conf.Load(), nil
	}}
}

// adminConfig is what the operators' port is to have now; nil = plain HTTP.
func adminConfig(a config.Admin) (*tls.Config, error) {
	if a.CertFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("admin.cert_file: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// secureConfig is what a port that speaks TLS is to have now; nil where there is none, which is settled at the start.
func secureConfig(table string, s config.PortTLS, open bool) (*tls.Config, error) {
	if !open || s.ListenPort == 0 {
		return nil, nil
	}
	return tlsConfig(table, s)
}

// digests tells what is in files, by their keys; "" = cannot be read.
func digests(files map[string]string) map[string]string {
	all := map[string]string{}
	for key, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			all[key] = ""
			continue
		}
		sum := sha256.Sum256(data)
		all[key] = hex.EncodeToString(sum[:])
	}
	return all
}

func listen(host string, port int, key string) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("%s = %d: %w", key, port, err)
	}
	return l, nil
}

// tlsConfig is that of a port, by the table that says it.
func tlsConfig(table string, s config.PortTLS) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if s.ClientCAFile != "" {
		if conf.ClientCAs, err = certPool(s.ClientCAFile); err != nil {
			return nil, fmt.Errorf("%s.client_ca_file: %w", table, err)
		}
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return conf, nil
}
