package adminport

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/running"
)

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"node":%q}`, r.Header.Get("Authorization"))
}

func TestTheServerOfTheMachineIsAskedWithItsToken(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(answer))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, listens := range []string{"127.0.0.1:" + port, ":" + port, "0.0.0.0:" + port} {
		r, err := Of(&running.Server{Admin: listens, Token: "t0ken"}, adminapi.Login{})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := r.Status(t.Context()); err != nil || status.Node != "Bearer t0ken" {
			t.Errorf("%s: %+v, %v", listens, status, err)
		}
		r.Close()
	}
	if _, err := Of(&running.Server{}, adminapi.Login{}); !errors.Is(err, ErrOff) {
		t.Errorf("a server without the port: %v", err)
	}
}

func TestItsOwnCertificateIsTrustedAndNoStrangers(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(answer))
	defer s.Close()
	s.Config.ErrorLog = nil
	own := filepath.Join(t.TempDir(), "own.pem")
	if err := os.WriteFile(own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := func(file string) error {
		r, err := Of(&running.Server{Admin: s.Listener.Addr().String(), AdminCert: file, Token: "t0ken"}, adminapi.Login{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = r.Status(t.Context())
		return err
	}
	if err := asked(own); err != nil {
		t.Errorf("the server's own: %v", err)
	}
	if err := asked(filepath.Join(t.TempDir(), "gone.pem")); err == nil || !strings.Contains(err.Error(), "gone.pem") {
		t.Errorf("another one: %v", err)
	}
}

func TestAnAddressIsHostAndPortOrAURL(t *testing.T) {
	for address, want := range map[string]string{
		"server:8346": "http://server:8346", "https://server:8346": "https://server:8346", "https://server/": "https://server", "[::1]:8346": "http://[::1]:8346",
		"ftp://server": "", "http://": "", "http://user@server": "", "https://server/api": "", "a b:1": "",
	} {
		r, err := At(address, adminapi.Login{})
		if got := ""; err == nil {
			got = r.URL()
			if got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		} else if want != "" {
			t.Errorf("%s: %v", address, err)
		}
	}
}
