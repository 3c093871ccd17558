package hermes

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"hnetsmpp/smppserv/handshake"
)

// tlsFault says in words why Hermès and we could not agree upon TLS, and what to do; "" = that was not it. shows tells whether we have a
// certificate to show. Nothing of what the peer sent is in it.
func tlsFault(err error, shows bool) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var system x509.SystemRootsError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &system):
		return "TLS: the authorities of this system cannot be read: name Hermès' own in hermes.tls.ca_file"
	case errors.As(err, &authority):
		return "TLS: Hermès' certificate is of an authority that is not trusted here: name that authority in hermes.tls.ca_file"
	case errors.As(err, &name):
		return "TLS: Hermès' certificate is not for the name in hermes.url: write the name there that the certificate bears"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		return "TLS: Hermès' certificate is not valid yet: look at this machine's clock, and at the certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "TLS: Hermès' certificate has expired: it must be renewed there (or this machine's clock is wrong)"
	case errors.As(err, &invalid):
		return "TLS: Hermès' certificate cannot be used: " + handshake.Words(invalid)
	case errors.Is(err, http.ErrSchemeMismatch):
		return "TLS: server gave HTTP response to HTTPS client: hermes.url must begin with http://, or name the port that speaks TLS"
	case errors.As(err, &header):
		return "TLS: what answers there does not speak TLS: is it the right port in hermes.url?"
	}
	switch alert := handshake.Alert(err); {
	case alert == "":
	case alert == alertCertificateRequired && !shows, alert == handshake.BadCertificate && !shows, alert == alertHandshake && !shows:
		return "TLS: Hermès demands a certificate of us (" + alert + "): set hermes.tls.cert_file and hermes.tls.key_file"
	case alert == alertVersion:
		return "TLS: Hermès takes no version of TLS that is spoken here, 1.2 and 1.3"
	case alert == "unrecognized name":
		return "TLS: Hermès does not know the name in hermes.url"
	case shows && strings.Contains(alert, "certificate"):
		return "TLS: Hermès does not take the certificate in hermes.tls.cert_file (" + alert + ")"
	default:
		return "TLS: Hermès broke it off (" + alert + ")"
	}
	if s := err.Error(); strings.Contains(s, "tls: server selected unsupported protocol version") {
		return "TLS: Hermès speaks a version that is too old; 1.2 is the least: it must be updated there"
	}
	return ""
}

// What crypto/tls calls the alerts, of which it tells nothing but the text.
const (
	alertCertificateRequired = "certificate required"
	alertHandshake           = "handshake failure"
	alertVersion             = "protocol version not supported"
)
