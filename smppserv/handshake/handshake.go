// Package handshake says why a peer of a port that speaks TLS could not agree upon it.
package handshake

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/peeraddr"
	"hnetsmpp/smppserv/balancer"
)

// Port is one that speaks TLS.
type Port struct {
	Failed loglimit.Cause
	Table  string // its keys in config.toml: tcp, server
	Clear  string // what the port beside it takes in clear
}

// Log begins a line about a handshake that failed, limited like all that peers cause; Msg(p.Failed.Text) ends it. within is how long it
// could take.
func (p Port) Log(limited *loglimit.Limiter, c *tls.Conn, err error, within time.Duration) *zerolog.Event {
	level := zerolog.WarnLevel
	if closedByPeer(err) && balancer.IsAnonymous(c) { // a health check
		level = zerolog.DebugLevel
	}
	return limited.Line(level, p.Failed, loglimit.Peer{Addr: peeraddr.Of(c.RemoteAddr())}).Str("reason", p.fault(err, within))
}

// fault says it in words, and what to do. Nothing of what the peer sent is in it.
func (p Port) fault(err error, within time.Duration) string {
	var header tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	s := err.Error()
	switch alert := Alert(err); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "TLS was not agreed upon within " + within.String()
	case closedByPeer(err), errors.Is(err, net.ErrClosed):
		return "the peer closed before TLS was agreed upon"
	case errors.As(err, &header):
		return "the peer does not speak TLS: " + p.Table + ".listen_port is the port for " + p.Clear + " in clear"
	case errors.As(err, &authority):
		return "the peer's certificate is of an authority that " + p.Table + ".tls.client_ca_file does not name"
	case errors.As(err, &certificate):
		return "the peer's certificate is not taken (" + Words(certificate.Err) + ")"
	case strings.Contains(s, "client didn't provide a certificate"):
		return "the peer shows no certificate, and " + p.Table + ".tls.client_ca_file demands one"
	case strings.Contains(s, "unsupported versions"):
		return "the peer's versions of TLS are too old; 1.2 is the least"
	case strings.Contains(s, "no cipher suite supported"): // it goes on with all that the peer offered
		return "the peer knows no cipher suite that is spoken here"
	case alert == "unknown certificate authority", alert == BadCertificate, alert == "unknown certificate", alert == "expired certificate":
		return "the peer does not take our certificate (" + alert + "): it must trust what signed " + p.Table + ".tls.cert_file, and find its own name for us in it"
	case alert != "":
		return "the peer broke TLS off (" + alert + ")"
	}
	return Words(err)
}

// closedByPeer tells whether TLS was not agreed upon because the peer closed, politely or not.
func closedByPeer(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &op) && op.Op == "read" && !op.Timeout() && !errors.Is(err, net.ErrClosed)
}

// BadCertificate is what crypto/tls calls that alert; it tells nothing but the text.
const BadCertificate = "bad certificate"

// Alert is the alert by which the peer broke TLS off; "" = it did not.
func Alert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: ")
}

// Words are the text of an error up to the first quotation, where peers' data and proxy passwords stand.
func Words(err error) string {
	s, _, _ := strings.Cut(err.Error(), `"`)
	return strings.TrimRight(s, " :")
}
