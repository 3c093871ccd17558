package centre

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"hnetsmpp/pkg/config"
)

// listenSMPP opens the SMPP port, and the one that speaks TLS if there is one. They accept connections at once, which wait
// until they are served.
func listenSMPP(s config.Server) (plain, secure net.Listener, err error) {
	if plain, err = listen(s.ListenHost, s.ListenPort, "server.listen_port"); err != nil || s.TLS.ListenPort == 0 {
		return plain, nil, err
	}
	conf, err := tlsConfig(s.TLS)
	if err != nil {
		return plain, nil, err
	}
	if secure, err = listen(s.ListenHost, s.TLS.ListenPort, "server.tls.listen_port"); err != nil {
		return plain, nil, err
	}
	return plain, tls.NewListener(secure, conf), nil
}

func listen(host string, port int, key string) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("%s = %d: %w", key, port, err)
	}
	return l, nil
}

func tlsConfig(s config.ServerTLS) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if s.ClientCAFile != "" {
		if conf.ClientCAs, err = certPool(s.ClientCAFile); err != nil {
			return nil, fmt.Errorf("server.tls.client_ca_file: %w", err)
		}
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return conf, nil
}
