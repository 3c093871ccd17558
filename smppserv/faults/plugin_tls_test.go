package faults

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// fingerprint is that of a PEM file's certificate, as openssl writes it.
func fingerprint(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	sum := sha256.Sum256(block.Bytes)
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

func TestThePluginSpeaksTLSAndSaysWhyItDoesNotTrust(t *testing.T) {
	dir := t.TempDir()
	settings, cert, _ := withTLS(t, dir)
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, dir, settings))
	c := bindReceiver(t, smppserv.SMPP)
	p := startPlugin(t, smppserv.TCPTLS, with(map[string]string{"Tls": "true"}))
	fails(t, p.send(t, campaign, customer, "x"), "not sent: TLS with "+smppserv.TCPTLS, "its certificate is not trusted (", "name its fingerprint in TlsFingerprint")
	p.set(t, "TlsFingerprint", strings.Repeat("AB", 32))
	fails(t, p.send(t, campaign, customer, "x"), "not sent: TLS with ", "another one than TlsFingerprint names; its fingerprint is "+strings.ReplaceAll(fingerprint(t, cert), ":", ""))
	p.set(t, "TlsFingerprint", fingerprint(t, cert))
	accepts(t, p.send(t, campaign, customer, "chiffré"))
	if got := takeText(t, c); got != "chiffré" {
		t.Errorf("%q came", got)
	}
	long := strings.Repeat("Un long texte, découpé en parties. ", 15)
	accepts(t, p.send(t, campaign, customer, long))
	if got := takeText(t, c); got != long {
		t.Errorf("%q came", got)
	}
	p.set(t, "IpPortSmppServer", smppserv.TCP)
	fails(t, p.send(t, campaign, customer, "x"), "not sent: ") // in clear there
}

func TestThePluginShowsItsCertificateWhereOneIsDemanded(t *testing.T) {
	openssl := testkit.Peer(t, "openssl", "apt-get install --no-install-recommends openssl")
	dir := t.TempDir()
	settings, cert, _ := withTLS(t, dir)
	ours, key, pfx := filepath.Join(dir, "plugin.pem"), filepath.Join(dir, "plugin.key"), filepath.Join(dir, "plugin.pfx")
	testkit.WriteCertificate(t, ours, key, "hermes.example")
	settings["tcp.tls"].(map[string]any)["client_ca_file"] = ours
	if out, err := exec.Command(openssl, "pkcs12", "-export", "-legacy", "-in", ours, "-inkey", key, "-out", pfx, "-passout", "pass:s3cret").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, dir, settings))
	c := bindReceiver(t, smppserv.SMPP)
	p := startPlugin(t, smppserv.TCPTLS, with(map[string]string{"Tls": "true", "TlsFingerprint": `"` + fingerprint(t, cert) + `"`}))
	fails(t, p.send(t, campaign, customer, "x"), "not sent: ", "TLS with ")
	smppserv.Log.AwaitWords(t, "the peer shows no certificate, and tcp.tls.client_ca_file demands one")
	p.set(t, "TlsClientFile", pfx)
	fails(t, p.send(t, campaign, customer, "x"), "TlsClientFile cannot be read: ")
	p.set(t, "TlsClientPassword", "s3cret")
	accepts(t, p.send(t, campaign, customer, "known"))
	if got := takeText(t, c); got != "known" {
		t.Errorf("%q came", got)
	}
}
