package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/testkit"
)

// authority is a certificate that signs itself, in files that PostgreSQL and its clients read.
func authority(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "hnet-tls")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	testkit.ForPostgres(t, folder)
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		testkit.ForPostgres(t, file)
	}
	return cert, key
}

func TestTheDatabaseIsReachedOverTLSWithItsOwnAuthority(t *testing.T) {
	cert, key := authority(t, "the database")
	stranger, _ := authority(t, "somebody else")
	pg := testkit.Postgres(t, "ssl=on", "ssl_cert_file="+cert, "ssl_key_file="+key)
	open := func(parameters string) error {
		dsn := pg.Database(t)
		join := "?"
		if strings.Contains(dsn, "?") {
			join = "&"
		}
		d, err := OpenDatabase(t.Context(), Options{DSN: dsn + join + parameters, Folder: t.TempDir(), Node: "n1", Log: zerolog.Nop()})
		if err != nil {
			return err
		}
		defer d.Close()
		var tls bool
		if err := d.Pool().QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls); err != nil {
			return err
		}
		if !tls {
			return fmt.Errorf("the connection is not encrypted")
		}
		return nil
	}
	if err := open("sslmode=verify-full&sslrootcert=" + cert); err != nil {
		t.Error(err)
	}
	err := open("sslmode=verify-full&sslrootcert=" + stranger)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), testkit.PGPassword) || IsAway(err) || !strings.Contains(err.Error(), "sslrootcert") {
		t.Errorf("with another authority: %v", err)
	}
	if err := open("sslmode=disable"); err == nil {
		t.Error("the test does not see whether a connection is encrypted")
	}
}
