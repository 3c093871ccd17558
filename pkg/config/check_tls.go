package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// maxPEMSize bounds what is read as a certificate file.
const maxPEMSize = 4 << 20

// portTLS checks a second port that speaks TLS.
func (k *checker) portTLS(table string, c *PortTLS) {
	k.port(table+".listen_port", c.ListenPort)
	if c.ListenPort == 0 {
		return
	}
	if c.CertFile == "" {
		k.add(table+".cert_file", "is empty; the TLS port needs a certificate")
	}
	if c.KeyFile == "" {
		k.add(table+".key_file", "is empty; the TLS port needs the certificate's key")
	}
	k.keyPair(table, c.CertFile, c.KeyFile)
	k.authorities(table+".client_ca_file", c.ClientCAFile)
}

// certificate checks one that may be left out.
func (k *checker) certificate(table, certFile, keyFile string) {
	if (certFile == "") != (keyFile == "") {
		k.add(table, "cert_file and key_file go together: set both or none")
		return
	}
	k.keyPair(table, certFile, keyFile)
}

// keyPair checks a certificate and its key when both are named.
func (k *checker) keyPair(table, certFile, keyFile string) {
	if certFile == "" || keyFile == "" || !namesFile(certFile) || !namesFile(keyFile) {
		return
	}
	cert, certErr := readPEM(certFile)
	if certErr != nil {
		k.add(table+".cert_file", "%s", certErr)
	}
	key, keyErr := readPEM(keyFile)
	if keyErr != nil {
		k.add(table+".key_file", "%s", keyErr)
	}
	if certErr != nil || keyErr != nil {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		k.add(table+".cert_file", "%s and %s are not a certificate and its key in PEM form: %s", certFile, keyFile, err)
	}
}

// authorities checks a file of CA certificates when one is named.
func (k *checker) authorities(key, file string) {
	if file == "" || !namesFile(file) {
		return
	}
	data, err := readPEM(file)
	if err != nil {
		k.add(key, "%s", err)
	} else if !x509.NewCertPool().AppendCertsFromPEM(data) {
		k.add(key, "%s holds no certificate in PEM form", file)
	}
}

func readPEM(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// Reading a device or a pipe might never end.
	if !info.Mode().IsRegular() || info.Size() > maxPEMSize {
		return nil, fmt.Errorf("%s is not a certificate or key file", path)
	}
	return os.ReadFile(path)
}
